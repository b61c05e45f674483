"""The last hour before the festival, by simulation: how many servers, who waits, who is sent away.

Run: python benchmarks/crowd.py [--people 50e6] [--json FILE]
It needs the extra ``serve`` and no model. docs/scale.md tells what it says.

A server is an engine that batches (its speed depends on how many answers are under way, see
``SPEED``) behind a bounded line, oldest first, as web/queue.py is. Writings come at random
(Poisson); each takes ``DRAWS`` answers. Time goes from event to event (arrival, end of an answer).

Peers, in the same run: Erlang's formula for the mean wait of a server of constant speed, and a
real one: our waiting line before an engine that takes as long, asked at the same moments.
"""

import argparse
import asyncio
import heapq
import itertools
import json
import math
import random
import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fencun.brief import parse_brief
from fencun.errors import BusyError
from fencun.files import read_jsonl
from fencun.prompt import Arm, messages
from fencun.scenario import Scenario, load_scenario
from fencun.web.queue import WaitingLine

# Answers under way -> tokens a second written, all together. Qwen3-8B in bf16 on one H100 80GB,
# vLLM 0.30, prompts and answers of 128 tokens: tgarg01/silybench-data (CC BY 4.0),
# derived/csv/perf_points.csv, run 20260924T125045Z_h100-80gbx1_qwen3-8b_bf16, chat-128-128.
SPEED = {1: 145.3, 4: 548.2, 16: 2156.2, 32: 4030.3, 64: 6957.7, 128: 11193.7, 256: 13092.7}
PLACES = 256
DRAWS = 6
TOKENS_PER_CHARACTER = 0.7  # of the Qwen vocabulary on Chinese prose
PATIENCE_S = 10.0  # within which 95 of 100 should have their texts
STEADY_S = 900.0  # simulated, for one server; shorter, and a line that grows looks bearable
HOUR_SHARE = 0.3  # of the evening's writings, in the last hour (assumed)


@dataclass(slots=True)
class Told:
    """What a simulation came to: seconds in line and in all, of those served; how many were not."""

    waits: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    refused: int = 0

    def row(self) -> dict[str, float]:
        served = sorted(self.whole)
        return {
            "served": len(served),
            "refused_share": self.refused / max(1, self.refused + len(served)),
            "mean_wait_s": statistics.fmean(self.waits) if self.waits else 0.0,
            "median_s": served[len(served) // 2] if served else 0.0,
            "p95_s": served[int(len(served) * 0.95)] if served else 0.0,
        }


@dataclass(slots=True)
class _Writing:
    came: float
    sizes: list[float]
    began: float = 0.0
    left: int = 0


def simulate(
    arrivals: Sequence[tuple[float, list[float]]],
    speed: Callable[[int], float],
    *,
    places: int,
    waiting: int,
) -> Told:
    """Serve ``arrivals`` (second, tokens of each of its answers), oldest first.

    All answers under way are written at ``speed(how many) / how many`` tokens a second. A
    writing begins when all of its answers have a place; one that comes while ``waiting`` others
    stand in line is refused.
    """
    told, line = Told(), deque[_Writing]()
    active: list[tuple[float, int, _Writing]] = []  # (work at which it ends, number, whose)
    now = work = 0.0  # ``work``: tokens that an answer under way the whole time would have by now
    coming = iter(arrivals)
    following = next(coming, None)
    number = 0

    def admit() -> None:
        nonlocal number
        while line and len(active) + len(line[0].sizes) <= places:
            one = line.popleft()
            one.began, one.left = now, len(one.sizes)
            told.waits.append(now - one.came)
            for size in one.sizes:
                number += 1
                heapq.heappush(active, (work + size, number, one))

    while following or active:
        each = speed(len(active)) / len(active) if active else 0.0
        ends = now + (active[0][0] - work) / each if active else math.inf
        if following and following[0] <= ends:
            work += (following[0] - now) * each
            now = following[0]
            one = _Writing(now, following[1])
            line.append(one)
            admit()
            if len(line) > waiting:
                line.pop()
                told.refused += 1
            following = next(coming, None)
            continue
        now, work = ends, active[0][0]
        one = heapq.heappop(active)[2]
        one.left -= 1
        if not one.left:
            told.whole.append(now - one.came)
        admit()
    return told


def speed_of(table: dict[int, float]) -> Callable[[int], float]:
    """Return the speed between the measured points, straight from one to the next."""
    known = sorted(table)

    def speed(answers: int) -> float:
        if answers >= known[-1]:
            return table[known[-1]]
        high = next(point for point in known if point >= answers)
        low = max((point for point in known if point < high), default=0)
        start = table.get(low, 0.0)
        return start + (table[high] - start) * (answers - low) / (high - low)

    return speed


def poisson(
    rate: float, seconds: float, sizes: Sequence[float], seed: int, draws: int
) -> list[tuple[float, list[float]]]:
    """Return arrivals, ``rate`` a second on average, of ``draws`` answers drawn from ``sizes``."""
    chance, at = random.Random(seed), 0.0
    found: list[tuple[float, list[float]]] = []
    while (at := at + chance.expovariate(rate)) < seconds:
        found.append((at, [chance.choice(sizes) for _ in range(draws)]))
    return found


def erlang_wait(rate: float, mean_s: float, places: int) -> float:
    """Return the mean wait of M/M/c, in seconds."""
    load = rate * mean_s
    term, total = 1.0, 0.0
    for k in range(places):
        total += term
        term *= load / (k + 1)
    queued = term / (1 - load / places)
    return queued / (total + queued) * mean_s / (places - load)


def beside_erlang() -> dict[str, float]:
    """Serve one answer a writing, exponentially long, at constant speed each."""
    rate, mean, places, chance = 3.4, 1.0, 4, random.Random(3)
    at, arrivals = 0.0, []
    for _ in range(200_000):
        at += chance.expovariate(rate)
        arrivals.append((at, [chance.expovariate(1 / mean)]))
    told = simulate(arrivals, lambda answers: float(answers), places=places, waiting=10**9)
    ours, formula = statistics.fmean(told.waits), erlang_wait(rate, mean, places)
    return {"mean_wait_s": ours, "erlang_s": formula, "ratio": ours / formula}


async def _real(arrivals: Sequence[tuple[float, list[float]]], parallel: int) -> Told:
    """Serve ``arrivals`` with our own line before an engine that takes as long as it is told."""
    told, start = Told(), time.monotonic()
    line = WaitingLine(parallel, 10**6)

    async def one(at: float, seconds: float) -> None:
        await asyncio.sleep(max(0.0, start + at - time.monotonic()))
        came = time.monotonic()
        try:
            async with line.place() as place:
                async for _ in place.positions():
                    pass
                told.waits.append(time.monotonic() - came)
                await asyncio.sleep(seconds)
                told.whole.append(time.monotonic() - came)
        except BusyError:
            told.refused += 1

    await asyncio.gather(*(one(at, sizes[0]) for at, sizes in arrivals))
    return told


def beside_a_real_line() -> dict[str, float]:
    """Ask the simulated and a real line the same, about 300 writings in 70 s."""
    chance = random.Random(5)
    arrivals = [
        (at, [chance.uniform(0.2, 0.6)]) for at, _ in poisson(4.4, 70, [1.0], seed=5, draws=1)
    ]
    told = simulate(arrivals, lambda answers: float(answers), places=2, waiting=10**6)
    real = asyncio.run(_real(arrivals, 2))
    ours, measured = statistics.fmean(told.whole), statistics.fmean(real.whole)
    return {"mean_s": ours, "measured_s": measured, "ratio": ours / measured}


def sizes_and_prefixes(scenario: Scenario) -> tuple[list[float], dict[str, Any]]:
    """Return the tokens of written answers, and how much of our prompts stands in the one before.

    Both are counted in characters of the shipped test briefs; ``shared`` is what a prefix cache
    that has seen one other brief need not read again.
    """
    rows = [
        r for _, r in read_jsonl(scenario.folder / "dataset" / "test.jsonl") if isinstance(r, dict)
    ]
    fields = {dimension.name for dimension in scenario.dimensions}
    briefs = [parse_brief(scenario, {k: v for k, v in r.items() if k in fields}) for r in rows]
    sizes = [len(str(row["text"])) * TOKENS_PER_CHARACTER for row in rows]
    told: dict[str, Any] = {"answer_tokens": statistics.fmean(sizes)}
    arms: tuple[Arm, ...] = ("tuned", "prompt")
    for arm in arms:
        chats = ["".join(m["content"] for m in messages(brief, arm)) for brief in briefs]
        pairs = list(itertools.pairwise(chats))
        common = [
            next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), len(two))
            for one, two in pairs
        ]
        length = statistics.fmean(len(two) for _, two in pairs)
        told[arm] = {
            "prompt_tokens": length * TOKENS_PER_CHARACTER,
            "shared": statistics.fmean(common) / length,
        }
    return sizes, told


def most_for_one(sizes: Sequence[float], draws: int) -> tuple[float, dict[str, float]]:
    """Return how many writings a second one server takes while 95 of 100 have theirs in time."""
    speed = speed_of(SPEED)
    low, high = 1.0, 2 * SPEED[PLACES] / (draws * statistics.fmean(sizes))
    found: dict[str, float] = {}
    for _ in range(9):
        rate = (low + high) / 2
        told = simulate(
            poisson(rate, STEADY_S, sizes, 1, draws), speed, places=PLACES, waiting=10**6
        ).row()
        if told["p95_s"] <= PATIENCE_S:
            low, found = rate, told
        else:
            high = rate
    return low, found


def crowd(people: float) -> dict[str, Any]:
    """Return what the last hour takes, and what happens where there is half as much again."""
    sizes, told = sizes_and_prefixes(load_scenario())
    demand = people * HOUR_SHARE / 3600
    result: dict[str, Any] = {"writings_a_second": demand, **told, "draws": {}}
    for draws in (DRAWS, 3, 1):
        rate, row = most_for_one(sizes, draws)
        result["draws"][draws] = {"a_server": rate, "servers": math.ceil(demand / rate), **row}
    rate = result["draws"][DRAWS]["a_server"] * 1.5
    line = int(PATIENCE_S * result["draws"][DRAWS]["a_server"])
    speed = speed_of(SPEED)
    overload = {
        name: simulate(
            poisson(rate, STEADY_S, sizes, 2, draws), speed, places=PLACES, waiting=waiting
        )
        for name, draws, waiting in (
            ("no_bound", DRAWS, 10**6),
            ("bounded_line", DRAWS, line),
            ("three_draws", 3, line),
        )
    }
    result["half_as_much_again"] = {name: each.row() for name, each in overload.items()}
    return result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=float, default=50e6)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    told = {
        "beside_erlang": beside_erlang(),
        "beside_a_real_line": beside_a_real_line(),
        "crowd": crowd(asked.people),
    }
    text = json.dumps(told, indent=2)
    print(text)
    if asked.json:
        asked.json.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
