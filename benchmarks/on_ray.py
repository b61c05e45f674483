"""Gating and near-duplicates over Ray beside one process: lines a second, pairs, where it pays.

Run: python benchmarks/on_ray.py [--lines 1000 20000] [--near 100000] [--workers 1 2] [--json FILE]

``check`` is what ``fencun data check`` asks of a scan, every line read and every gate asked, in
one process and over a local Ray of 1 and of 2 workers. ``start_s`` is what it takes until a Ray
answers, ``ready_s`` until every worker has the scenario; both are paid once. ``pays_from`` is the
number of lines from which Ray, start included, is done sooner than one process. ``near`` are the
near-duplicates of ``--near`` lines; the pairs must be the same, or this fails.

No line comes twice, so that nothing is remembered: clauses of the scenario's lines are thrown
together under the briefs of others.
"""

import argparse
import json
import os
import random
import tempfile
import time
from pathlib import Path

from dedup import make_lines

from fencun.data.ray_scan import RayScan
from fencun.data.scan import LocalScan, Scan
from fencun.files import read_jsonl, write_jsonl
from fencun.ray_cluster import cluster
from fencun.scenario import Scenario, load_scenario

Found = dict[str, object]


def write_lines(scenario: Scenario, path: Path, count: int) -> None:
    """Write ``count`` drafts to ``path``, no two the same."""
    rows = [row for _, row in read_jsonl(scenario.folder / "drafts.jsonl") if isinstance(row, dict)]
    draw = random.Random(1)
    clauses = [clause for row in rows for clause in row["text"].split("，")]

    def drafts() -> list[dict[str, object]]:
        return [
            {**draw.choice(rows), "id": f"r{at}", "text": "，".join(draw.sample(clauses, 4))}
            for at in range(count)
        ]

    write_jsonl(path, drafts())


def look(scan: Scan) -> list[object]:
    """Return what every gate finds in every line."""
    seen = list(scan.seen())
    return [list(findings) for findings in scan.findings(seen)]


def timed(scan: Scan) -> tuple[float, list[object]]:
    began = time.perf_counter()
    found = look(scan)
    return time.perf_counter() - began, found


def alone(scenario: Scenario, paths: list[Path]) -> tuple[list[float], list[list[object]]]:
    look(LocalScan(scenario, paths[:1]))
    told = [timed(LocalScan(scenario, [path])) for path in paths]
    return [spent for spent, _ in told], [found for _, found in told]


def over_ray(
    scenario: Scenario,
    paths: list[Path],
    workers: int,
    here: list[float],
    found: list[list[object]],
) -> Found:
    """Measure the same over Ray, and that it finds the same."""
    began = time.perf_counter()
    with cluster(workers=workers):
        start_s = time.perf_counter() - began
        began = time.perf_counter()
        look(RayScan(scenario, paths[:1]))
        ready_s = time.perf_counter() - began - here[0] / workers
        took = []
        for path, expected in zip(paths, found, strict=True):
            spent, told = timed(RayScan(scenario, [path]))
            assert told == expected, "other findings than in one process"
            took.append(spent)
    count = _count(paths[-1])
    one, many = here[-1] / count, took[-1] / count
    pays = round((start_s + max(0.0, ready_s)) / (one - many)) if many < one else None
    return {
        "what": "check", "workers": workers, "lines": count, "start_s": round(start_s, 1),
        "ready_s": round(ready_s, 1), "lines_s": round(1 / many), "alone_lines_s": round(1 / one),
        "ratio": round(one / many, 2), "of_linear": round(one / many / workers, 2),
        "pays_from": pays,
    }  # fmt: skip


def near(count: int, workers: int) -> Found:
    """Compare the near-duplicates of ``count`` lines over Ray with those of one process."""
    texts, _ = make_lines(count)
    scenario = load_scenario()
    began = time.perf_counter()
    here = LocalScan(scenario).near(texts)
    here_s = time.perf_counter() - began
    with cluster(workers=workers):
        look(RayScan(scenario, []))
        began = time.perf_counter()
        there = RayScan(scenario, []).near(texts)
        there_s = time.perf_counter() - began
    assert list(there) == list(here), "other pairs than in one process"
    return {
        "what": "near", "workers": workers, "lines": count, "pairs": len(here), "same": True,
        "alone_s": round(here_s, 1), "ray_s": round(there_s, 1),
    }  # fmt: skip


def _count(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


def main() -> None:
    """Measure and print one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, nargs="+", default=[1_000, 20_000])
    parser.add_argument("--near", type=int, default=100_000, help="0 leaves them out")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results: list[Found] = []

    def note(found: Found) -> None:
        found["load_average"] = round(os.getloadavg()[0], 2)
        results.append(found)
        print(json.dumps(found), flush=True)

    scenario = load_scenario()
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{count}.jsonl" for count in options.lines]
        for path, count in zip(paths, options.lines, strict=True):
            write_lines(scenario, path, count)
        here, found = alone(scenario, paths)
        for workers in options.workers:
            note(over_ray(scenario, paths, workers, here, found))
    if options.near:
        note(near(options.near, max(options.workers)))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
