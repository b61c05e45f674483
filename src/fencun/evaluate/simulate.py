"""Simulated studies with a known truth, judged by the very code that judges real ones.

No simulated vote ever enters a study: these tables live in memory and answer two questions,
how often the code calls something better that is not, and how often it finds what is there.
"""

from dataclasses import dataclass, field

import numpy as np

from fencun.evaluate.decide import decide
from fencun.evaluate.draw import Items, draw, items
from fencun.evaluate.facts import Background, gather
from fencun.evaluate.records import BALLOTS
from fencun.evaluate.rules import Rules
from fencun.evaluate.table import LEFT, NEITHER, RIGHT, TIE, Bools, Floats, Ints, VoteTable

ARMS = ("bare", "prompt", "rag", "tuned")


@dataclass(frozen=True, slots=True)
class World:
    """What is true in a simulated study. All on the log-odds scale of a preference.

    ``truth`` is the strength of each of :data:`ARMS`; ``taste`` how much raters differ in
    what they like in an arm, ``quality`` how much one arm's answers vary from brief to
    brief, ``pull`` how far raters lean to one side of the screen; ``tie`` is the difference
    below which a rater says 一样好, ``bar`` the quality below which nothing will do.
    """

    truth: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    raters: int = 12
    briefs: int = 78
    ballots: int = BALLOTS
    taste: float = 0.4
    quality: float = 0.8
    pull: float = 0.2
    tie: float = 0.3
    bar: float = -1.2


@dataclass(slots=True)
class Tally:
    """What came out of many studies: decisions, and how many called any arm better."""

    studies: int = 0
    better: int = 0
    decisions: dict[str, int] = field(default_factory=dict)


def simulate(world: World, random: np.random.Generator) -> VoteTable:
    """Return the votes of one study in ``world``."""
    size = len(ARMS)
    pairs = [(a, b) for a in range(size) for b in range(a + 1, size)]
    triples = [(brief, a, b) for brief in range(world.briefs) for a, b in pairs]
    questions = items(triples, {(1, 3), (2, 3)}, shared=12, random=random)
    handed = _hand_out(world, questions, random)
    rater, item, swapped, earlier = handed.T
    low, high = questions.low[item], questions.high[item]
    left, right = np.where(swapped > 0, high, low), np.where(swapped > 0, low, high)
    brief = questions.brief[item]
    choice, send = _vote(world, rater, brief, left, right, random)
    return VoteTable(
        arms=ARMS,
        raters=tuple(f"r{index}" for index in range(world.raters)),
        briefs=tuple(f"b{index}" for index in range(world.briefs)),
        rater=rater,
        brief=brief,
        left=left,
        right=right,
        choice=choice,
        send=send,
        earlier=earlier,
        seconds=np.full(len(handed), 20.0),
    )


def _hand_out(world: World, questions: Items, random: np.random.Generator) -> Ints:
    """Return ballots as rows: rater, item, whether swapped, and the ballot repeated or -1."""
    seen = np.zeros(len(questions), dtype=np.int64)
    rows: list[tuple[int, int, int, int]] = []
    for rater in range(world.raters):
        start = len(rows)
        for ballot in draw(questions, seen, ballots=world.ballots, random=random):
            seen[ballot.item] += 1
            earlier = -1 if ballot.repeats is None else start + ballot.repeats
            rows.append((rater, ballot.item, int(ballot.swapped), earlier))
    return np.array(rows, dtype=np.int64)


def _vote(
    world: World, rater: Ints, brief: Ints, left: Ints, right: Ints, random: np.random.Generator
) -> tuple[Ints, Bools]:
    size = len(ARMS)
    truth = np.array(world.truth)
    taste = random.normal(0, world.taste, (world.raters, size))
    quality = random.normal(0, world.quality, (world.briefs, size))
    pull = random.normal(0, world.pull, world.raters)

    def worth(arm: Ints) -> Floats:
        felt: Floats = truth[arm] + taste[rater, arm] + quality[brief, arm]
        return felt + random.gumbel(0, 1, len(arm)) - np.euler_gamma

    one, two = worth(left), worth(right)
    difference = one - two + pull[rater]
    choice = np.where(difference > world.tie, LEFT, np.where(difference < -world.tie, RIGHT, TIE))
    choice = np.where((one < world.bar) & (two < world.bar), NEITHER, choice)
    return choice, np.stack([one > 0, two > 0], axis=1)


def study(world: World, rules: Rules, seed: int) -> tuple[str, bool]:
    """Judge one simulated study: its decision, and whether any arm is called better."""
    table = simulate(world, np.random.default_rng(seed))
    facts = gather(table, Background({arm: arm for arm in ARMS}), rules)
    return decide(facts, rules).decision, any(pair.better for pair in facts.comparisons)


def studies(world: World, rules: Rules, count: int, *, seed: int = 0) -> Tally:
    """Judge ``count`` simulated studies, seeds ``seed`` to ``seed + count - 1``."""
    tally = Tally()
    for index in range(count):
        decision, better = study(world, rules, seed + index)
        tally.studies += 1
        tally.better += better
        tally.decisions[decision] = tally.decisions.get(decision, 0) + 1
    return tally
