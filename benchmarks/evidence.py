"""Whether a verdict can be bought: simulated studies with a known truth, through the real code.

Run: python benchmarks/evidence.py [--studies 1000] [--only NAME ...] [--plan] [--json FILE]
Trials take turns, and with ``--json`` a run that was ended goes on where it was. It needs
``pip install -e '.[evaluate]'`` and no model. Each trial is one way in which a study could
mislead: a weak rival, one busy person, an early look. The test suite runs the same trials small
(tests/test_evaluate_evidence.py); seeds begin at ``--seed`` and none was used to choose a
threshold.

``--plan`` finds the votes that rules.yaml plans with: for each number of arms and briefs the
power at some numbers of votes.
"""

import argparse
import json
import math
import os
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are small: threads only wait

import numpy as np

from fencun.evaluate.facts import Background, gather
from fencun.evaluate.judging import MachineJudgement
from fencun.evaluate.oddities import oddities
from fencun.evaluate.planning import votes_planned
from fencun.evaluate.rates import arm_rates
from fencun.evaluate.records import BALLOTS
from fencun.evaluate.rules import shipped_rules
from fencun.evaluate.screening import screened
from fencun.evaluate.sequential import conclude
from fencun.evaluate.simulate import (
    ARMS,
    World,
    looked,
    preference,
    simulate,
    simulated,
    strength_of,
    studies,
    study,
    worth_seen,
)
from fencun.evaluate.strengths import strengths
from fencun.evaluate.style import controlled
from fencun.evaluate.table import LEFT, RIGHT, TIE, UNSAID, VoteTable

RULES = shipped_rules()
PLANNED = {2: ("prompt", "tuned"), 3: ("bare", "prompt", "tuned"), 4: ARMS}
PER_RATER = 24  # votes that count of 30 ballots, six of which are asked again
SEED = 31_000_000
PART = 20
Measured = dict[str, float]


def enough(world: World, looks: float = 1.0) -> World:
    """Return ``world`` with as many raters as the plan needs, for so many times the plan."""
    planned = votes_planned(len(world.arms), world.briefs, RULES, world.draws)
    return replace(world, raters=math.ceil(looks * planned / PER_RATER))


def at_strength(share: float, world: World | None = None) -> World:
    """Return a world in which ``share`` prefer tuned to every arm that costs less."""
    world = world or World()
    last = strength_of(share, world)
    return replace(world, truth=(0.0,) * (len(world.arms) - 1) + (last,))


def weak_rival(count: int, seed: int) -> Measured:
    """How often the untouched base being better is hidden by a poor prompt."""
    tally = studies(enough(weak(), 2), RULES, count, seed=seed)
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


def plans(count: int, seed: int) -> Measured:
    """The registered effect with the planned votes, for every number of arms and briefs planned."""
    found = {}
    for size, votes in RULES.plan.votes.items():
        world = at_strength(RULES.plan.effect, World(arms=PLANNED[size], truth=(0.0,) * size))
        for briefs in votes:
            tally = studies(enough(replace(world, briefs=briefs)), RULES, count, seed=seed)
            found[f"{size}_arms_{briefs}_briefs"] = tally.share("worth")
    return found


def several_texts(count: int, seed: int) -> Measured:
    """Three texts an arm and brief, and the fewer votes that are planned for them."""
    world = enough(replace(at_strength(RULES.plan.effect), draws=3))
    tally = studies(world, RULES, count, seed=seed)
    return {"worth": tally.share("worth")}


def five_arms(count: int, seed: int) -> Measured:
    """One arm more, which nothing hangs on: the registered effect with the planned votes."""
    arms = ("bare", "prompt", "rag", "plain", "tuned")
    world = at_strength(RULES.plan.effect, World(arms=arms, truth=(0.0,) * 5))
    tally = studies(enough(world), RULES, count, seed=seed)
    return {"worth": tally.share("worth")}


def longer(count: int, seed: int) -> Measured:
    """Tuned is no better but longer, and people like that: what is left at equal length."""
    world = enough(World(longer=1.5, liking=0.7))
    raw, alike, held = [], [], 0
    for index in range(count):
        found = simulated(world, np.random.default_rng(seed + index))
        texts = [[("x" * max(1, round(100 * math.exp(0.3 * n))) for n in drawn) for drawn in arm]
                 for arm in found.length]  # fmt: skip
        texts = [[tuple(drawn) for drawn in arm] for arm in texts]
        told = controlled(found.table, texts, "tuned", ["prompt"], 0.95).length[0]
        raw.append(strengths(found.table).preferred("tuned", "prompt")[0])
        alike.append(told.share)
        held += told.low <= 0.5 <= told.high
    return {
        "raw": float(np.mean(raw)),
        "at_equal_length": float(np.mean(alike)),
        "coverage": held / count,
    }


def screening(count: int, seed: int) -> Measured:
    """A judge that leans but sees some of what people see reads 300 briefs, people vote on fewer.

    How often the interval of both together holds the truth, and how many votes it is worth.
    """
    world = World(
        arms=("prompt", "tuned"), truth=(0.0, 0.6), raters=12, briefs=300, ballots=12, quality=1.6
    )
    truth, held, gain = preference(world, 1, 0), 0, []
    for index in range(count):
        random = np.random.default_rng(seed + index)
        found = simulated(world, random)
        apart = found.quality[0] - found.quality[1] + random.normal(0, 0.5, (world.briefs, 1))
        scores = 1 / (1 + np.exp(-apart - 0.8))
        said = [
            MachineJudgement(
                judge="j", brief=f"b{n}", low="prompt", high="tuned", score=s, steady=True
            )
            for n, (s,) in enumerate(scores)
        ]
        (one,) = screened(found.table, said, [("tuned", "prompt")], 0.95).helped
        assert one.both is not None
        assert one.people is not None
        held += one.both.low <= truth <= one.both.high
        gain.append(one.worth / one.people.votes)
    return {"coverage": held / count, "votes_worth": float(np.median(gain))}


def nulls() -> dict[str, tuple[World, frozenset[str]]]:
    """Return worlds, with votes to twice the plan, and the decisions that are false in each."""
    worth = frozenset({"worth"})
    same = at_strength(0.55)
    torn = replace(at_strength(0.55, World(taste=1.0)), together=True)
    votes = 2 * votes_planned(len(ARMS), same.briefs, RULES)
    return {
        "equal": (enough(World(), 2), worth | {"mend", "rag", "direction", "unfit"}),
        "base_better": (enough(weak(), 2), worth | {"prompt", "rag", "direction"}),
        "sixty": (enough(at_strength(0.6), 2), frozenset({"bare", "prompt", "rag", "none"})),
        "fifty_five": (enough(same, 2), worth),
        "fifty_five_of_two": (enough(at_strength(0.55, two()), 2), worth),
        "fifty_five_of_40_briefs": (enough(replace(same, briefs=40), 2), worth),
        "briefs_differ": (enough(at_strength(0.55, World(quality=2.0)), 2), worth),
        "raters_differ": (enough(at_strength(0.55, World(taste=1.5)), 2), worth),
        "three_busy": (replace(torn, busy=shares_of(votes, (6,) * 3 + (1,) * 9)), worth),
        "six_raters": (replace(torn, busy=shares_of(votes, (1,) * 6)), worth),
        "circle": (enough(World(circle=1.6), 2), worth),
        "same_texts": (enough(replace(same, same=0.4), 2), worth),
        "silent": (enough(replace(same, silent=7), 2), worth),
        "half_sent": (enough(half_sent(at_strength(0.8)), 2), worth),
    }


def weak() -> World:
    """Prompt and rag are poor, and the untouched base is better than tuned: 68 to 32."""
    base = -strength_of(0.32, World())
    return World(truth=(base, base - 2.0, base - 1.6, 0.0))


def two() -> World:
    """Prompt and tuned alone."""
    return World(arms=("prompt", "tuned"), truth=(0.0, 0.0))


def shares_of(votes: int, parts: tuple[int, ...]) -> tuple[int, ...]:
    """Return the ballots of raters who cast ``votes`` together, as ``parts`` : each other."""
    return tuple(math.ceil(votes * BALLOTS / PER_RATER * part / sum(parts)) for part in parts)


def half_sent(world: World) -> World:
    """Return ``world`` with the bar where half of the answers of tuned would be sent."""
    random = np.random.default_rng(3)
    noise = random.gumbel(0, 1, 2_000_000) - np.euler_gamma
    felt = random.normal(world.truth[-1], math.hypot(world.taste, world.quality), 2_000_000)
    return replace(world, sends=-float(np.median(felt + noise)))


def peeking(count: int, seed: int, only: Collection[str] = ()) -> Measured:
    """Somebody looks after every 20 votes, to twice the plan: false verdicts seen at any time."""
    found = {}
    for name, (world, false) in nulls().items():
        if only and name not in only:
            continue
        seeds = range(seed, seed + count)
        if false == {"worth"}:
            seen = sum(worth_seen(world, RULES, one) for one in seeds)
        else:
            seen = sum(bool(looked(world, RULES, one) & false) for one in seeds)
        found[name] = seen / count
    return found


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
        weak_rival, unanswered, identical, odd_raters, power, plans, peeking, equal_arms, divided,
        sending, coverage, busy, circle, silent, several_texts, five_arms, longer, screening,
    )
}  # fmt: skip


def planned(count: int, seed: int) -> None:
    """Print the power at some numbers of votes, for the table in rules.yaml."""
    grids = {
        (2, 30): (500, 600, 700),
        (2, 78): (240, 270, 300),
        (2, 156): (210, 240, 270),
        (3, 30): (900, 1100, 1300),
        (3, 78): (440, 480, 520),
        (3, 156): (400, 440, 480),
        (4, 40): (1000, 1200, 1400),
        (4, 78): (700, 800, 900),
        (4, 156): (740, 780, 820),
    }
    for (size, briefs), grid in grids.items():
        alike = World(arms=PLANNED[size], truth=(0.0,) * size, briefs=briefs)
        world = at_strength(RULES.plan.effect, alike)
        for votes in grid:
            here = replace(world, raters=math.ceil(votes / PER_RATER))
            tally = studies(here, RULES, count, seed=seed, planned=votes)
            print(
                f"{size} arms, {briefs} briefs, {votes} votes: {tally.share('worth'):.3f}",
                flush=True,
            )


def kept(path: Path | None) -> dict[str, Measured]:
    """Return what an earlier run found: by trial, ``studies`` and the mean of every number."""
    if path is None or not path.is_file():
        return {}
    found: dict[str, Measured] = json.loads(path.read_bytes())
    return found


def go_on(before: Measured, name: str, count: int, seed: int) -> Measured:
    """Return ``before`` with ``count`` more studies, their seeds following those used."""
    done = int(before.get("studies", 0))
    found = TRIALS[name](count, seed + done)
    means = {key: (before.get(key, 0.0) * done + found[key] * count) / (done + count)
             for key in found}  # fmt: skip
    return {"studies": done + count, **means}


def run(names: list[str], count: int, seed: int, path: Path | None) -> None:
    """Run all trials in turn, a part of each at a time, until each has ``count`` studies."""
    result = kept(path)
    while waiting := [n for n in names if result.get(n, {}).get("studies", 0) < count]:
        for name in waiting:
            before = result.get(name, {})
            part = min(PART, count - int(before.get("studies", 0)))
            began = time.process_time()
            result[name] = go_on(before, name, part, seed)
            told = ", ".join(f"{key} {value:.3f}" for key, value in result[name].items())
            print(f"{name}: {told} ({time.process_time() - began:.0f} s of CPU)", flush=True)
            if path:
                path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", nargs="*", choices=list(TRIALS), default=list(TRIALS))
    parser.add_argument("--plan", action="store_true", help="only the table of planned votes")
    parser.add_argument("--json", type=Path, help="results so far; a run goes on from them")
    options = parser.parse_args()
    if options.plan:
        planned(options.studies, options.seed)
    else:
        run(options.only, options.studies, options.seed, options.json)


if __name__ == "__main__":
    main()
