"""Simulated studies with a known truth, judged by the very code that judges real ones.

No simulated vote ever enters a study: these tables live in memory and answer two questions,
how often the code calls something better that is not, and how often it finds what is there.
"""

from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

from fencun.evaluate.draw import Items, draw, items
from fencun.evaluate.facts import Background
from fencun.evaluate.planning import reached, votes_planned
from fencun.evaluate.questions import DECISIVE
from fencun.evaluate.records import BALLOTS
from fencun.evaluate.rules import Rules
from fencun.evaluate.sequential import Conclusion, conclude
from fencun.evaluate.table import LEFT, NEITHER, RIGHT, TIE, Floats, Ints, Settled, VoteTable

ARMS = ("bare", "prompt", "rag", "tuned")


@dataclass(frozen=True, slots=True)
class World:
    """What is true in a simulated study. All on the log-odds scale of a preference.

    ``truth`` is the strength of each of ``arms``; ``taste`` how much raters differ in
    what they like in an arm, ``quality`` how much one arm's answers vary from brief to
    brief, ``pull`` how far raters lean to one side of the screen; ``tie`` is the difference
    below which a rater says 一样好, ``bar`` the quality below which nothing will do, and
    ``sends`` moves the quality above which an answer would be sent as it is.

    ``busy`` are ballots of single raters in place of ``ballots``; ``same`` is how often the
    tuned arm and each other give the same text; ``silent`` on how many of its worst briefs the
    tuned arm says nothing; ``circle`` favours the tuned arm against bare and rag alone.
    """

    truth: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    arms: tuple[str, ...] = ARMS
    raters: int = 12
    briefs: int = 78
    ballots: int = BALLOTS
    taste: float = 0.4
    quality: float = 0.8
    pull: float = 0.2
    tie: float = 0.3
    bar: float = -1.2
    sends: float = 0.0
    busy: tuple[int, ...] = ()
    same: float = 0.0
    silent: int = 0
    circle: float = 0.0

    @property
    def roles(self) -> dict[str, str]:
        """Every arm plays the part it is called by."""
        return {arm: arm for arm in self.arms}


@dataclass(slots=True)
class Tally:
    """What came out of many studies: decisions, and how many called any arm better."""

    studies: int = 0
    better: int = 0
    decisions: dict[str, int] = field(default_factory=dict)

    def share(self, *decisions: str) -> float:
        """Return how often one of ``decisions`` was the verdict."""
        return sum(self.decisions.get(name, 0) for name in decisions) / max(1, self.studies)


def simulate(world: World, random: np.random.Generator) -> VoteTable:
    """Return the votes of one study in ``world``, in the order in which they came."""
    size = len(world.arms)
    quality = random.normal(0, world.quality, (world.briefs, size))
    same = _same(world, random)
    silent = _silent(world, quality)
    triples, settled = _asked(world, same, silent)
    decisive = {(arm, size - 1) for arm in range(size - 1)} if "tuned" in world.arms else set()
    questions = items(triples, decisive, DECISIVE, shared=12, random=random)
    handed = _hand_out(world, questions, random)
    rater, item, swapped, earlier = handed.T
    low, high = questions.low[item], questions.high[item]
    left, right = np.where(swapped > 0, high, low), np.where(swapped > 0, low, high)
    brief = questions.brief[item]
    choice, send = _vote(world, quality, rater, brief, left, right, random)
    return VoteTable(
        arms=world.arms,
        raters=tuple(f"r{index}" for index in range(_raters(world))),
        briefs=tuple(f"b{index}" for index in range(world.briefs)),
        rater=rater,
        brief=brief,
        left=left,
        right=right,
        choice=choice,
        send=send,
        earlier=earlier,
        seconds=np.full(len(handed), 20.0),
        settled=settled,
    )


def _raters(world: World) -> int:
    return len(world.busy) or world.raters


def _same(world: World, random: np.random.Generator) -> Ints:
    """Return in which briefs the tuned arm says what each other arm says, (briefs, arms)."""
    drawn = random.random((world.briefs, 1)) < world.same
    return np.repeat(drawn, len(world.arms), axis=1).astype(np.int64)


def _silent(world: World, quality: Floats) -> Ints:
    silent = np.zeros((world.briefs, len(world.arms)), dtype=np.int64)
    silent[np.argsort(quality[:, -1])[: world.silent], -1] = 1
    return silent


def _asked(world: World, same: Ints, silent: Ints) -> tuple[list[tuple[int, int, int]], Settled]:
    """Part the pairs that people must judge from those that are settled."""
    size = len(world.arms)
    triples: list[tuple[int, int, int]] = []
    known: list[tuple[int, int, int, float]] = []
    for brief in range(world.briefs):
        for a in range(size):
            for b in range(a + 1, size):
                if silent[brief, b]:
                    known.append((brief, a, b, 1.0))
                elif b == size - 1 and same[brief, a]:
                    known.append((brief, a, b, 0.5))
                else:
                    triples.append((brief, a, b))
    columns = list(zip(*known, strict=True)) if known else [(), (), (), ()]
    brief_, low, high = (np.array(column, dtype=np.int64) for column in columns[:3])
    score = np.array(columns[3], dtype=np.float64)
    return triples, Settled(brief_, low, high, score, silent.T.astype(np.bool_))


def _hand_out(world: World, questions: Items, random: np.random.Generator) -> Ints:
    """Return ballots as rows: rater, item, whether swapped, and the ballot repeated or -1."""
    seen = np.zeros(len(questions), dtype=np.int64)
    rows: list[tuple[int, int, int, int]] = []
    for rater in range(_raters(world)):
        start = len(rows)
        ballots = world.busy[rater] if world.busy else world.ballots
        for ballot in draw(questions, seen, ballots=ballots, random=random):
            seen[ballot.item] += 1
            earlier = -1 if ballot.repeats is None else start + ballot.repeats
            rows.append((rater, ballot.item, int(ballot.swapped), earlier))
    return np.array(rows, dtype=np.int64)


def _vote(
    world: World,
    quality: Floats,
    rater: Ints,
    brief: Ints,
    left: Ints,
    right: Ints,
    random: np.random.Generator,
) -> tuple[Ints, Ints]:
    size, last = len(world.arms), len(world.arms) - 1
    truth = np.array(world.truth)
    taste = random.normal(0, world.taste, (_raters(world), size))
    pull = random.normal(0, world.pull, _raters(world))

    def worth(arm: Ints, other: Ints) -> Floats:
        felt: Floats = truth[arm] + taste[rater, arm] + quality[brief, arm]
        circling = (arm == last) & (other != 1) & (other != last)
        noise = random.gumbel(0, 1, len(arm)) - np.euler_gamma
        return felt + np.where(circling, world.circle, 0.0) + noise

    one, two = worth(left, right), worth(right, left)
    difference = one - two + pull[rater]
    choice = np.where(difference > world.tie, LEFT, np.where(difference < -world.tie, RIGHT, TIE))
    choice = np.where((one < world.bar) & (two < world.bar), NEITHER, choice)
    send = np.stack([one > -world.sends, two > -world.sends], axis=1).astype(np.int64)
    return choice, send


def study(world: World, rules: Rules, seed: int, planned: int | None = None) -> Conclusion:
    """Judge one simulated study by the plan of its arms and briefs, or ``planned`` votes."""
    table = simulate(world, np.random.default_rng(seed))
    plan = planned or votes_planned(len(world.arms), world.briefs, rules)
    return conclude(table, Background(world.roles, briefs=world.briefs), rules, plan)


def studies(
    world: World, rules: Rules, count: int, *, seed: int = 0, planned: int | None = None
) -> Tally:
    """Judge ``count`` simulated studies, seeds ``seed`` to ``seed + count - 1``."""
    tally = Tally()
    for index in range(count):
        done = study(world, rules, seed + index, planned)
        decision = done.ruling.decision
        tally.studies += 1
        tally.better += any(pair.better for pair in done.facts.comparisons)
        tally.decisions[decision] = tally.decisions.get(decision, 0) + 1
    return tally


def looked(
    world: World,
    rules: Rules,
    seed: int,
    *,
    every: int = 20,
    planned: int | None = None,
    all_of_them: bool = False,
) -> set[str]:
    """Return every decision that somebody sees who looks after each ``every`` votes.

    Between two looks of the plan nothing changes, so it is judged once in each; with
    ``all_of_them`` as often as somebody looks.
    """
    table = simulate(world, np.random.default_rng(seed))
    plan = planned or votes_planned(len(world.arms), world.briefs, rules)
    background = Background(world.roles, briefs=world.briefs)
    cast = int((table.earlier < 0).sum())
    seen: set[str] = set()
    before: set[int] = set()
    for count in [*range(every, cast, every), cast]:
        look = reached(count, plan, rules.plan)
        number = look.number if look else -1
        if all_of_them or number not in before:
            before.add(number)
            done = conclude(table.first(count), background, rules, plan)
            seen.add(done.ruling.decision)
    return seen


@cache
def preference(world: World, a: int, b: int, draws: int = 400_000) -> float:
    """Return how often arm ``a`` is preferred to ``b`` in ``world``, ties half, 都不行 aside."""
    random = np.random.default_rng(7)
    apart = 2 * (world.taste**2 + world.quality**2)
    felt = random.normal(0, 1, (4, draws))
    scale = np.sqrt(apart / 4)
    noise = random.gumbel(0, 1, (2, draws)) - np.euler_gamma
    one = world.truth[a] + scale * (felt[0] + felt[1]) + noise[0]
    two = world.truth[b] + scale * (felt[2] + felt[3]) + noise[1]
    if b == len(world.arms) - 1 and a != 1:
        two = two + world.circle
    if a == len(world.arms) - 1 and b != 1:
        one = one + world.circle
    judged = ~((one < world.bar) & (two < world.bar))
    apart_ = (one - two)[judged]
    score = np.where(apart_ > world.tie, 1.0, np.where(apart_ < -world.tie, 0.0, 0.5))
    return float(score.mean())


def strength_of(share: float, world: World) -> float:
    """Return the strength of the last arm at which it is preferred to an arm at 0 so often."""
    low, high = -4.0, 4.0
    size = len(world.arms)
    for _ in range(18):
        middle = (low + high) / 2
        truth = (0.0,) * (size - 1) + (middle,)
        if preference(replace(world, truth=truth), size - 1, 1 if size > 2 else 0) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2
