"""Statistics of votes: 10,000 votes, and 2,000 simulated studies through the shipped code.

Run: python benchmarks/votes.py [--studies 2000] [--json FILE]

The peer, in the same run on the same votes: the same bootstrap as a plain loop that asks
choix for every resample, which is what one would write first.
"""

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import choix
import numpy as np

from fencun.evaluate.decide import decide
from fencun.evaluate.facts import Background, gather
from fencun.evaluate.rules import shipped_rules
from fencun.evaluate.simulate import ARMS, Tally, World, simulate, studies
from fencun.evaluate.strengths import RESAMPLES, compare, strengths
from fencun.evaluate.table import NEITHER, TIE, VoteTable

RULES = shipped_rules()
# Strength of the tuned arm at which people prefer it to an equal prompt and rag by the
# registered effect; found by `calibrated` below, printed with the results.
_MANY = {"raters": 400, "ballots": 60}


def seconds_of(work: object) -> float:
    start = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - start


def peer_spread(table: VoteTable, group: np.ndarray) -> np.ndarray:
    """Resample groups and let choix fit each resample, one at a time."""
    random = np.random.default_rng(0)
    members = [np.flatnonzero(group == label) for label in np.unique(group)]
    values = []
    for _ in range(RESAMPLES):
        rows = np.concatenate([members[i] for i in random.integers(0, len(members), len(members))])
        wins = np.full((len(ARMS), len(ARMS)), 0.5)
        for row in rows:
            if table.choice[row] == NEITHER:
                continue
            left, right = table.left[row], table.right[row]
            score = 0.5 if table.choice[row] == TIE else float(table.choice[row] == 0)
            wins[left, right] += score
            wins[right, left] += 1 - score
        np.fill_diagonal(wins, 0)
        values.append(choix.ilsr_pairwise_dense(wins))
    return np.cov(np.array(values), rowvar=False)


def ten_thousand() -> dict[str, float]:
    table = simulate(World(raters=200, ballots=55), np.random.default_rng(0)).first_time()
    table = table.where(np.arange(len(table)) < 10_000)
    assert len(table) == 10_000
    background = Background({arm: arm for arm in ARMS})
    ours = seconds_of(lambda: decide(gather(table, background, RULES), RULES))
    fit = seconds_of(lambda: strengths(table))
    peer = seconds_of(
        lambda: [peer_spread(table, g) for g in (table.rater, table.brief, np.arange(10_000))]
    )
    return {"votes": 10_000, "all_s": ours, "strengths_s": fit, "peer_strengths_s": peer}


def calibrated(target: float) -> float:
    """Return the strength at which the population prefers tuned to an equal rival so often."""
    low, high = 0.0, 3.0
    for _ in range(9):
        middle = (low + high) / 2
        table = simulate(World(truth=(-1, 0, 0, middle), **_MANY), np.random.default_rng(1))
        share = compare(strengths(table), "tuned", "prompt").share
        low, high = (middle, high) if share < target else (low, middle)
    return (low + high) / 2


def tallied(world: World, count: int, workers: int) -> Tally:
    part = count // workers
    total = Tally()
    with ProcessPoolExecutor(workers) as pool:
        jobs = [
            pool.submit(partial(studies, world, RULES, part, seed=i * part)) for i in range(workers)
        ]
        for job in jobs:
            one = job.result()
            total.studies += one.studies
            total.better += one.better
            for decision, number in one.decisions.items():
                total.decisions[decision] = total.decisions.get(decision, 0) + number
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result: dict[str, object] = {"ten_thousand": ten_thousand()}
    print(json.dumps(result), flush=True)
    worlds = {
        "equal": World(),
        "equal_more_raters": World(raters=30),
        "equal_odd_taste": World(taste=1.0),
    }
    strength = calibrated(RULES.plan.effect)
    for raters in (12, 20, 30, 45):
        worlds[f"effect_{RULES.plan.effect}_raters_{raters}"] = World(
            truth=(-1, 0, 0, strength), raters=raters
        )
    result["strength_at_effect"] = strength
    for name, world in worlds.items():
        count = options.studies if name.startswith("equal") else min(400, options.studies)
        start = time.perf_counter()
        tally = tallied(world, count, options.workers)
        result[name] = {
            "studies": tally.studies,
            "any_better": tally.better / tally.studies,
            "decisions": tally.decisions,
            "seconds": time.perf_counter() - start,
        }
        print(json.dumps({name: result[name]}, ensure_ascii=False), flush=True)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
