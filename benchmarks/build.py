"""Making the dataset: CPU seconds of every step, beside the plainest way to make one.

Run: python benchmarks/build.py [--json FILE]

The peer, over the same seeds and drafts in the same run: read JSON, drop exact duplicates
with a set, split at random, write three files. It checks nothing and keeps no family together.
Times are CPU seconds of this process; wall-clock seconds stand beside them.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fencun.data.across import look_across
from fencun.data.dataset import assemble, write_dataset
from fencun.data.lineage import trace
from fencun.data.lines import read_lines
from fencun.gates import Gates
from fencun.scenario import load_scenario


def timed(what: str, work: Callable[[], Any]) -> tuple[dict[str, object], Any]:
    """Run ``work``; return what it took and what it made."""
    cpu, wall = time.process_time(), time.perf_counter()
    made = work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"what": what, "cpu_s": round(cpu, 3), "wall_s": round(wall, 3)}, made


def plain(paths: list[Path], folder: Path) -> int:
    """Make a dataset the plainest way; return its size."""
    seen: set[str] = set()
    rows = []
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row["text"] not in seen:
                seen.add(row["text"])
                rows.append(row)
    random.Random(0).shuffle(rows)
    tenth = len(rows) // 10
    parts = {
        "test": rows[:tenth],
        "validation": rows[tenth : 2 * tenth],
        "train": rows[2 * tenth :],
    }
    for name, part in parts.items():
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in part)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return len(rows)


def main() -> None:
    """Measure and print one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    scenario = load_scenario()
    paths = [scenario.folder / "seeds.jsonl", scenario.folder / "drafts.jsonl"]
    results: list[dict[str, object]] = []

    def note(what: str, work: Callable[[], Any]) -> Any:
        told, made = timed(what, work)
        results.append(told)
        print(json.dumps(told, ensure_ascii=False), flush=True)
        return made

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = trace(note("step: read", lambda: read_lines(paths, scenario))).lines
        gates = Gates(scenario)
        note("step: gates", lambda: [gates.check(line.text, line.brief) for line in lines])
        note("step: across lines", lambda: look_across(lines))

        def build() -> int:
            dataset = assemble(scenario, paths)
            write_dataset(dataset, folder, scenario, paths, {})
            return dataset.size

        size = note("fencun: build, whole", build)
        plainly = note("peer: read, exact set, random split, write", lambda: plain(paths, folder))
    results.append({"samples": size, "peer_samples": plainly})
    print(json.dumps(results[-1]))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
