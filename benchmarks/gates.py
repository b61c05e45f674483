"""Gates over drafts: lines a second on one core, and whether time grows with the lines alone.

Run: python benchmarks/gates.py [--lines 1000 10000 100000] [--million] [--json FILE]

``--million`` adds 1,000,000 lines. ``linearity`` at the end is how many times longer a line takes
among the most lines than among the fewest: 1 where time grows with the lines alone.

The peer, in the same run over the same lines: every plain word and expression of the
scenario's rules and tact topics searched for one by one with ``re``, as one would first
write it; it does less than the gates (no offsets, no brief, no calendar).

Times are CPU seconds of this process, so that a busy machine does not count; wall-clock
seconds stand beside them.
"""

import argparse
import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from fencun.brief import Brief, parse_brief
from fencun.files import read_jsonl
from fencun.gates import Gates, passes
from fencun.scenario import Scenario, load_scenario

Line = tuple[str, Brief]


def lines_of(scenario: Scenario) -> list[Line]:
    """Return the hand-written lines of the scenario, each with its parsed brief."""
    names = [dimension.name for dimension in scenario.dimensions]
    found: list[Line] = []
    for file in ("seeds.jsonl", "drafts.jsonl"):
        for _, row in read_jsonl(scenario.folder / file):
            if isinstance(row, dict):
                brief = parse_brief(scenario, {name: row[name] for name in names}, strict=True)
                found.append((row["text"], brief))
    return found


def naive(scenario: Scenario) -> Callable[[str, Brief], int]:
    """Return the peer: one ``re.search`` a word."""
    rules = scenario.rules
    told = (*rules.openings, *rules.cliches, *rules.endings, *rules.stiff, *rules.favours)
    words = (*rules.idioms, *rules.flat, *rules.places, *rules.matters)
    words += tuple(word for topic in scenario.tact for word in (*topic.words, *topic.unfit))
    patterns = [re.compile(p) for p in told] + [re.compile(re.escape(w)) for w in words]
    return lambda text, _: sum(bool(pattern.search(text)) for pattern in patterns)


def timed(work: Callable[[str, Brief], object], lines: Iterator[Line]) -> dict[str, float]:
    """Run ``work`` over ``lines``; return how many there were and what they took."""
    cpu, wall, count = time.process_time(), time.perf_counter(), 0
    for text, brief in lines:
        work(text, brief)
        count += 1
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"lines": count, "cpu_s": cpu, "wall_s": wall, "lines_per_cpu_s": count / cpu}


def main() -> None:
    """Measure and print one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--million", action="store_true", help="1,000,000 lines besides")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    scenario = load_scenario()
    lines = lines_of(scenario)
    gates = Gates(scenario, today=date(2026, 11, 24))
    peer = naive(scenario)
    refused = sum(not passes(gates.check(text, brief)) for text, brief in lines)
    results: list[dict[str, object]] = []

    def note(result: dict[str, object]) -> None:
        results.append(result)
        print(json.dumps(result, ensure_ascii=False), flush=True)

    note({"hand_written_lines": len(lines), "refused": refused})
    speeds = {}
    for count in sorted([*options.lines, *([1_000_000] if options.million else [])]):
        told = timed(gates.check, _cycle(lines, count))
        speeds[count] = told["lines_per_cpu_s"]
        note({"what": "gates", **told})
    note({"what": "peer: re one by one", **timed(peer, _cycle(lines, len(lines)))})
    fewest, most = min(speeds), max(speeds)
    note({"linearity": round(speeds[fewest] / speeds[most], 3), "from": fewest, "to": most})
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def _cycle(lines: list[Line], count: int) -> Iterator[Line]:
    return itertools.islice(itertools.cycle(lines), count)


if __name__ == "__main__":
    main()
