"""Memory of a tuning run: what preflight says of it beside what a real one takes, step by step.

Run: python benchmarks/memory.py [--model NAME] [--steps 3] [--json FILE]

The run is a real ``fencun tune run`` of a few steps of the default batch in a process of its own,
looked at ten times a second: its resident memory at the most, and what of it is its own
(anonymous) rather than mapped from files, which the system can take back. The peer is
preflight, which reckons before anything is loaded; a ratio within 0.15 of 1.00 is as promised.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import typer

from fencun.tune.machine import settle_threads

settle_threads()

from fencun import files  # noqa: E402
from fencun.tune.config import TuneConfig  # noqa: E402
from fencun.tune.machine import look_around  # noqa: E402
from fencun.tune.material import gather  # noqa: E402
from fencun.tune.objectives.sft import Sft  # noqa: E402
from fencun.tune.preflight.plan import peak_memory  # noqa: E402

GIB = 2**30
FIELDS = {"VmRSS": "resident", "RssAnon": "own", "RssFile": "mapped"}


def predicted(options: dict[str, Any]) -> int:
    """Return the bytes that preflight says."""
    config = TuneConfig(**options)
    return peak_memory(config, gather(Sft(), config, weights=False), look_around())


def measured(options: dict[str, Any], folder: Path) -> dict[str, int]:
    """Return the most bytes that a run of ``options`` had at any time, by kind."""
    files.write_json(folder / "options.json", options)
    command = ["tune", "run", "--out", str(folder / "run"), "--config", "options.json"]
    peak = dict.fromkeys(FIELDS.values(), 0)
    with subprocess.Popen(
        [sys.executable, "-m", "fencun", *command], cwd=folder, stdout=subprocess.DEVNULL
    ) as run:
        while run.poll() is None:
            for kind, size in _now(run.pid).items():
                peak[kind] = max(peak[kind], size)
            time.sleep(0.1)
    if run.returncode:
        raise SystemExit(run.returncode)
    return peak


def _now(pid: int) -> dict[str, int]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    told = dict(line.split(":", 1) for line in lines if ":" in line)
    return {kind: int(told[key].split()[0]) * 1024 for key, kind in FIELDS.items() if key in told}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="", help="catalog name; the one in use by default")
    parser.add_argument("--steps", type=int, default=3, help="steps of the default batch")
    parser.add_argument("--json", type=Path, help="also write everything measured to this file")
    given = parser.parse_args()
    options = {
        "base": given.model, "steps": given.steps, "look": given.steps, "briefs": 1,
        "validation_samples": 4, "checkpoint": given.steps,
    }  # fmt: skip
    said = predicted(options)
    typer.echo(f"preflight says {said / GIB:.2f} GiB; {given.steps} steps are run…")
    with tempfile.TemporaryDirectory() as folder:
        peak = measured(options, Path(folder))
    ratio = peak["resident"] / said
    for kind, size in peak.items():
        typer.echo(f"{kind:10}{size / GIB:8.2f} GiB")
    typer.echo(f"{'ratio':10}{ratio:8.2f}")
    if given.json:
        machine = look_around()
        found = {"machine": machine.cpu, "cores": machine.cores, "load_average": os.getloadavg()[0]}
        files.write_json(given.json, {**found, "said": said, "peak": peak, "ratio": ratio})


if __name__ == "__main__":
    main()
