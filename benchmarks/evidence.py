"""Whether a verdict can be bought: simulated studies with a known truth, through the real code.

Run: python benchmarks/evidence.py [--studies 1000] [--only NAME ...] [--plan] [--json FILE]
It needs ``pip install -e '.[evaluate]'`` and no model. Each trial is one way in which a study
could mislead: a weak rival, one busy person, an early look. The test suite runs the same
trials small (tests/test_evaluate_evidence.py); seeds begin at ``--seed`` and none was used to
choose a threshold.

``--plan`` finds the votes that rules.yaml plans with: for each number of arms and briefs the
power at some numbers of votes.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from fencun.evaluate.facts import Background, gather
from fencun.evaluate.oddities import oddities
from fencun.evaluate.planning import votes_planned
from fencun.evaluate.rates import arm_rates
from fencun.evaluate.rules import shipped_rules
from fencun.evaluate.sequential import conclude
from fencun.evaluate.simulate import (
    ARMS,
    World,
    looked,
    preference,
    simulate,
    strength_of,
    studies,
    study,
)
from fencun.evaluate.table import LEFT, RIGHT, TIE, UNSAID, VoteTable

RULES = shipped_rules()
PER_RATER = 24  # votes that count of 30 ballots, six of which are asked again
SEED = 31_000_000
Measured = dict[str, float]


def enough(world: World, looks: float = 1.0) -> World:
    """Return ``world`` with as many raters as the plan needs, for so many times the plan."""
    planned = votes_planned(len(world.arms), world.briefs, RULES)
    return replace(world, raters=math.ceil(looks * planned / PER_RATER))


def at_strength(share: float, world: World | None = None) -> World:
    """Return a world in which ``share`` prefer tuned to every arm that costs less."""
    world = world or World()
    last = strength_of(share, World(arms=world.arms, truth=(0.0,) * len(world.arms)))
    return replace(world, truth=(0.0,) * (len(world.arms) - 1) + (last,))


def weak_rival(count: int, seed: int) -> Measured:
    """Prompt and rag are poor, and the untouched base is better than tuned: 68 to 32."""
    base = -strength_of(0.32, World())
    world = enough(World(truth=(base, base - 2.0, base - 1.6, 0.0)), 2)
    tally = studies(world, RULES, count, seed=seed)
    return {"worth": tally.share("worth"), "mend": tally.share("mend")}


def identical(count: int, seed: int) -> Measured:
    """In 4 briefs of 10 tuned says what the others say; reported against the truth over all."""
    world = enough(replace(at_strength(0.7), same=0.4))
    truth = 0.6 * 0.7 + 0.4 * 0.5
    return {"truth": truth, "reported": _mean_share(world, count, seed)}


def silent(count: int, seed: int) -> Measured:
    """Tuned says nothing on its worst 7 of 78 briefs: what it gains by that."""
    world = enough(at_strength(0.6))
    spoken = _mean_share(world, count, seed)
    return {"gain": _mean_share(replace(world, silent=7), count, seed) - spoken}


def _mean_share(world: World, count: int, seed: int) -> float:
    shares = []
    for index in range(count):
        contest = study(world, RULES, seed + index).facts.contest("tuned", "prompt")
        shares.append(contest.share if contest else math.nan)
    return float(np.mean(shares))


def power(count: int, seed: int) -> Measured:
    """The registered effect with the planned votes, at the first look."""
    tally = studies(enough(at_strength(RULES.plan.effect)), RULES, count, seed=seed)
    return {"worth": tally.share("worth")}


def peeking(count: int, seed: int) -> Measured:
    """Somebody looks after every 20 votes, to twice the plan: false verdicts seen at any time."""
    seen: dict[str, set[int]] = {"equal": set(), "fifty_five": set()}
    for name, world in (("equal", World()), ("fifty_five", at_strength(0.55))):
        for index in range(count):
            decisions = looked(enough(world, 2), RULES, seed + index)
            if "worth" in decisions:
                seen[name].add(index)
    return {name: len(found) / count for name, found in seen.items()}


def equal_arms(count: int, seed: int) -> Measured:
    """Nothing differs: how often something is called better, or the raters are blamed."""
    tally = studies(enough(World(), 2), RULES, count, seed=seed)
    return {
        "direction": tally.share("direction"),
        "worth": tally.share("worth"),
        "better": tally.better / count,
    }


def divided(count: int, seed: int) -> Measured:
    """Each rater knows what they like, and each likes something else: that is to be told."""
    world = enough(World(taste=4.0, quality=0.1), 2)
    return {"direction": studies(world, RULES, count, seed=seed).share("direction")}


def busy(count: int, seed: int) -> Measured:
    """Three of twelve raters cast two of three votes, each with a taste of their own."""
    world = World(busy=(100,) * 3 + (16,) * 9, taste=1.0)
    better = 0
    for index in range(count):
        table = simulate(world, np.random.default_rng(seed + index))
        facts = gather(table, Background(world.roles), RULES.plan.looks[0].confidence)
        better += any(pair.better for pair in facts.comparisons)
    return {"better": better / count}


def sending(count: int, seed: int) -> Measured:
    """How often the interval of "would be sent as it is" holds the truth."""
    world = World(raters=20, taste=0.8)
    random = np.random.default_rng(3)
    noise = random.gumbel(0, 1, 2_000_000) - np.euler_gamma
    felt = random.normal(0, math.hypot(world.taste, world.quality), 2_000_000)
    truth = float((felt + noise > 0).mean())
    held = 0
    for index in range(count):
        table = simulate(world, np.random.default_rng(seed + index))
        rate = arm_rates(table, 0.95)[3].send
        held += rate.low <= truth <= rate.high
    return {"coverage": held / count}


def coverage(count: int, seed: int) -> Measured:
    """How often the interval of tuned against prompt holds the truth, by all votes and direct."""
    world = enough(World(truth=(-0.5, 0.0, 0.0, 0.6)))
    truth = preference(world, 3, 1)
    held, direct = 0, 0
    for index in range(count):
        table = simulate(world, np.random.default_rng(seed + index))
        contest = gather(table, Background(world.roles), 0.95).contest("tuned", "prompt")
        assert contest is not None
        held += contest.low <= truth <= contest.high
        direct += contest.direct_low <= truth <= contest.direct_high
    return {"all_votes": held / count, "direct": direct / count}


def circle(count: int, seed: int) -> Measured:
    """Tuned and prompt are even, but tuned beats bare and rag more than prompt does."""
    world = enough(World(circle=1.6), 2)
    worth = shown = 0
    direct, reported = [], []
    for index in range(count):
        done = study(world, RULES, seed + index)
        worth += done.ruling.decision == "worth"
        shown += not done.facts.transitive
        (one,) = (c for c in done.facts.comparisons if (c.a, c.b) == ("prompt", "tuned"))
        direct.append(1 - (one.direct.share or 0.5))
        reported.append(1 - one.share)
    return {
        "worth": worth / count,
        "misfit_shown": shown / count,
        "direct": float(np.mean(direct)),
        "by_strength": float(np.mean(reported)),
    }


def odd_raters(count: int, seed: int) -> Measured:
    """How often one odd rater among 24 is named, and how often one who reads is."""
    world = replace(at_strength(0.7), raters=24)
    named: dict[str, int] = {"contradicts": 0, "four_buttons": 0, "left_80": 0, "left_right": 0}
    honest = 0
    for index in range(count):
        table = simulate(world, np.random.default_rng(seed + index))
        honest += len({odd.rater for odd in oddities(table)})
        for how in named:
            spoilt = _spoilt(table, how, np.random.default_rng(seed + index))
            named[how] += any(odd.rater == "r0" for odd in oddities(spoilt))
    rates = {name: found / count for name, found in named.items()}
    return rates | {"honest": honest / count / world.raters}


def _spoilt(table: VoteTable, how: str, random: np.random.Generator) -> VoteTable:
    """Return the votes with those of the first rater replaced."""
    mine, choice = table.rater == 0, table.choice.copy()
    if how == "left_80":
        choice[mine] = np.where(random.random(mine.sum()) < 0.8, LEFT, RIGHT)
    elif how == "left_right":
        choice[mine] = random.integers(0, 2, mine.sum())
    elif how == "four_buttons":
        choice[mine] = random.integers(0, 4, mine.sum())
    else:
        for at in np.flatnonzero(mine & (table.earlier >= 0)):
            before = choice[table.earlier[at]]  # sides are swapped: the same side contradicts
            choice[at] = before if before < TIE else LEFT
    return replace(table, choice=choice)


def unanswered(count: int, seed: int) -> Measured:
    """Nobody says whether they would send it: no verdict, and votes are not asked for."""
    world = enough(at_strength(0.8))
    worth = 0
    for index in range(count):
        table = simulate(world, np.random.default_rng(seed + index))
        table = replace(table, send=np.full_like(table.send, UNSAID))
        planned = votes_planned(len(ARMS), world.briefs, RULES)
        done = conclude(table, Background(world.roles), RULES, planned)
        worth += done.ruling.decision == "worth"
    return {"worth": worth / count}


TRIALS: dict[str, Callable[[int, int], Measured]] = {
    trial.__name__: trial
    for trial in (
        weak_rival, unanswered, identical, odd_raters, power, peeking, equal_arms, divided,
        sending, coverage, busy, circle, silent,
    )
}  # fmt: skip


def planned(count: int, seed: int) -> None:
    """Print the power at some numbers of votes, for the table in rules.yaml."""
    grids = {
        (("prompt", "tuned"), 30): (500, 600, 700),
        (("prompt", "tuned"), 78): (240, 270, 300),
        (("bare", "prompt", "tuned"), 30): (900, 1100, 1300),
        (("bare", "prompt", "tuned"), 78): (440, 480, 520),
        (ARMS, 40): (1000, 1200, 1400),
        (ARMS, 78): (700, 800, 900),
    }
    for (arms, briefs), grid in grids.items():
        world = at_strength(
            RULES.plan.effect, World(arms=arms, truth=(0.0,) * len(arms), briefs=briefs)
        )
        for votes in grid:
            here = replace(world, raters=math.ceil(votes / PER_RATER))
            tally = studies(here, RULES, count, seed=seed, planned=votes)
            print(f"{len(arms)} arms, {briefs} briefs, {votes} votes: {tally.share('worth'):.3f}")


def _part(name: str, count: int, seed: int) -> Measured:
    return TRIALS[name](count, seed)


def spread_out(name: str, count: int, seed: int, workers: int) -> Measured:
    """Run one trial in parts, each with seeds of its own; return the means."""
    each = math.ceil(count / workers)
    with ProcessPoolExecutor(workers) as pool:
        parts = list(
            pool.map(partial(_part, name, each), [seed + 100_000 * n for n in range(workers)])
        )
    return {key: float(np.mean([part[key] for part in parts])) for key in parts[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", nargs="*", choices=list(TRIALS), default=list(TRIALS))
    parser.add_argument("--plan", action="store_true", help="only the table of planned votes")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.plan:
        planned(options.studies, options.seed)
        return
    result: dict[str, Measured] = {}
    for name in options.only:
        began = time.perf_counter()
        result[name] = spread_out(name, options.studies, options.seed, options.workers)
        told = ", ".join(f"{key} {value:.3f}" for key, value in result[name].items())
        print(f"{name}: {told} ({time.perf_counter() - began:.0f} s)", flush=True)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
