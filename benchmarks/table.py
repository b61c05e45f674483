"""Every benchmark in one table, each figure beside its peer, kept so that a change shows in review.

Run: python benchmarks/table.py [--runs 3] [--only NAME ...]

The benchmarks run one after the other, each in a process of its own, and say what they do as they
do it. A ratio tells how often as good as the peer we are: 2 is twice as fast or half the
memory, 1 as good, less than 1 worse. Medians over the runs, with the range. What was found is
written to results/, a file for each kind of core, and docs/performance.md shows it; ``--only``
leaves the other figures as they were.

What is not here asks for more than a machine: evidence.py (hours), crowd.py (a simulation),
tune_gpu.py (a GPU).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fencun import files
from fencun.provenance import revision, versions
from fencun.tune.machine import PACKAGES, look_around

HERE = Path(__file__).parent
RESULTS = HERE / "results"
Figure = tuple[str, str, float, float]  # what is measured, its unit, ours, the peer's
_MORE = "/s"  # of these units more is better, of others less


@dataclass(frozen=True)
class Benchmark:
    """A file of this folder, how it is run for the table, and the figures in what it finds."""

    name: str
    arguments: tuple[str, ...]
    peer: str
    figures: Callable[[Any], Iterator[Figure]]


def _rows(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["what"]: row for row in found if "what" in row}


def _gates(found: list[dict[str, Any]]) -> Iterator[Figure]:
    rows = _rows(found)
    ours, peer = rows["gates"], rows["peer: re one by one"]
    yield "gates", "lines/s", ours["lines_per_cpu_s"], peer["lines_per_cpu_s"]


def _build(found: list[dict[str, Any]]) -> Iterator[Figure]:
    rows = _rows(found)
    ours, peer = rows["fencun: build, whole"], rows["peer: read, exact set, random split, write"]
    yield "data build", "CPU s", ours["cpu_s"], peer["cpu_s"]


def _dedup(found: list[dict[str, Any]]) -> Iterator[Figure]:
    rows = _rows(found)
    ours, peer = rows["fencun"], rows["peer: NumPy MinHash"]
    yield f"near-duplicates among {ours['lines']:,}", "CPU s", ours["cpu_s"], peer["cpu_s"]


def _votes(found: dict[str, dict[str, Any]]) -> Iterator[Figure]:
    told = found["ten_thousand"]
    yield "strengths of 10,000 votes", "s", told["strengths_s"], told["peer_strengths_s"]


def _batch_file(found: list[dict[str, Any]]) -> Iterator[Figure]:
    rows = _rows(found)
    for way in ("write", "read"):
        yield f"Batch file, {way}", "CPU s", rows[way]["cpu_s"], rows[f"peer_{way}"]["cpu_s"]


def _engine(found: dict[str, Any]) -> Iterator[Figure]:
    for key, what, unit in (
        ("first_token_s", "engine, first token", "s"),
        ("alone_tok_s", "engine, one answer", "tokens/s"),
        ("parallel_tok_s", "engine, four at once", "tokens/s"),
        ("four_by_one_request_s", "engine, four answers to one prompt", "s"),
    ):
        yield what, unit, found["fencun"][key], found["raw"][key]


def _web(found: dict[str, Any]) -> Iterator[Figure]:
    one, many = found["alone"], found["together"]
    yield "page, first token", "s", one["web_first_token_s"], one["raw_first_token_s"]
    yield "page, three texts drawn", "s", one["web_3_draws_s"], one["raw_3_draws_s"]
    yield f"page, {many['people']} people at once", "s", many["web_all_s"], many["raw_all_s"]


def _memory(found: dict[str, Any]) -> Iterator[Figure]:
    yield "tuning, peak memory", "GiB", found["peak"]["resident"] / 2**30, found["said"] / 2**30


def _tune(found: dict[str, Any]) -> Iterator[Figure]:
    rates = dict(found["samples_per_second"])
    peer = rates.pop("transformers + peft")
    for name, rate in rates.items():
        yield f"tuning, {name}", "samples/s", rate, peer


BENCHMARKS = (
    Benchmark("gates", ("--lines", "1000", "10000"), "re, word by word", _gates),
    Benchmark("build", (), "no checks, random split", _build),
    Benchmark("dedup", ("--lines", "10000"), "NumPy MinHash", _dedup),
    Benchmark("votes", ("--count",), "choix in a loop", _votes),
    Benchmark("batchfile", ("--requests", "10000"), "plain json, nothing checked", _batch_file),
    Benchmark("engine", ("--tokens", "24", "--rounds", "1"), "llama.cpp itself", _engine),
    Benchmark("web", ("--rounds", "1"), "the engine itself", _web),
    Benchmark("memory", ("--steps", "2"), "what preflight says", _memory),
    Benchmark("tune", ("--batches", "1", "--arms", "fencun", "peft"), "transformers + peft", _tune),
)


def run(benchmark: Benchmark) -> list[Figure]:
    """Run a benchmark, its own output passed on; return its figures."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        command = [sys.executable, str(HERE / f"{benchmark.name}.py"), *benchmark.arguments]
        subprocess.run([*command, "--json", str(found)], check=True)
        return list(benchmark.figures(json.loads(found.read_text(encoding="utf-8"))))


def measure(benchmark: Benchmark, runs: int) -> list[dict[str, object]]:
    """Run a benchmark ``runs`` times; return its figures as they are kept."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for number in range(1, runs + 1):
        print(f"== {benchmark.name}, {number} of {runs}, {time.strftime('%H:%M:%S')}", flush=True)
        for what, unit, ours, peer in run(benchmark):
            found.setdefault((what, unit), []).append((ours, peer))
    return [
        {"benchmark": benchmark.name, "what": what, "peer": benchmark.peer, "unit": unit,
         **summary(unit, pairs)}
        for (what, unit), pairs in found.items()
    ]  # fmt: skip


def summary(unit: str, pairs: list[tuple[float, float]]) -> dict[str, object]:
    """Return the medians of what we and the peer took, and the ratios of the runs."""
    ours, peer = (statistics.median(each) for each in zip(*pairs, strict=True))
    ratios = [mine / other if unit.endswith(_MORE) else other / mine for mine, other in pairs]
    told = {"least": min(ratios), "median": statistics.median(ratios), "most": max(ratios)}
    return {"runs": len(pairs), "ours": _three(ours), "theirs": _three(peer),
            "ratio": {name: round(value, 2) for name, value in told.items()}}  # fmt: skip


def _three(value: float) -> float:
    return float(f"{value:.3g}")


def kind() -> str:
    """Return what kind of core this is, by the widest units that products run on."""
    import torch

    can = torch.cpu.get_capabilities()
    kinds = (("amx", "amx_int8"), ("avx512", "avx512_vnni"), ("avx2", "avx2"))
    return next((name for name, unit in kinds if can.get(unit)), look_around().cpu)


def table(kept: Mapping[str, Any]) -> str:
    """Return the figures as a Markdown table."""
    lines = ["| | ours | peer | ratio | |", "|---|--:|--:|--:|---|"]
    for each in kept["figures"]:
        ratio, unit = each["ratio"], each["unit"]
        spread = f" ({ratio['least']:.2f}–{ratio['most']:.2f})" if each["runs"] > 1 else ""
        lines.append(
            f"| {each['what']} | {each['ours']:g} {unit} | {each['theirs']:g} {unit} "
            f"| **{ratio['median']:.2f}**{spread} | {each['peer']} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run the benchmarks, keep what was found, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [each.name for each in BENCHMARKS]
    parser.add_argument("--runs", type=int, default=1, help="of each benchmark")
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--json", type=Path, default=RESULTS / f"{kind()}.json")
    options = parser.parse_args()
    before = json.loads(options.json.read_text("utf-8"))["figures"] if options.json.exists() else []
    machine, began = look_around(), time.perf_counter()
    load = round(os.getloadavg()[0], 1)
    for benchmark in (each for each in BENCHMARKS if each.name in options.only):
        figures = measure(benchmark, options.runs)
        before = [each for each in before if each["benchmark"] != benchmark.name] + figures
        before.sort(key=lambda each: names.index(each["benchmark"]))
        kept = {
            "kind": kind(), "cores": machine.cores, "memory_gib": machine.memory >> 30,
            "load_before": load, "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "revision": revision(), "versions": versions(PACKAGES), "figures": before,
        }  # fmt: skip
        files.write_json(options.json, kept)
    print(table(kept))
    print(f"{(time.perf_counter() - began) / 60:.0f} minutes, written to {options.json}")


if __name__ == "__main__":
    main()
