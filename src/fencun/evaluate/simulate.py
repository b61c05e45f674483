"""Simulated studies with a known truth, judged by the very code that judges real ones.

No simulated vote ever enters a study: these tables live in memory and answer two questions,
how often the code calls something better that is not, and how often it finds what is there.
"""

from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

from fencun.evaluate.draw import Items, draw, items
from fencun.evaluate.facts import Background
from fencun.evaluate.planning import DECISIVE, reached, votes_planned
from fencun.evaluate.records import BALLOTS
from fencun.evaluate.rules import CHEAPER, VerdictRules
from fencun.evaluate.sequential import Conclusion, conclude
from fencun.evaluate.strengths import contests, direct_share
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

    ``busy`` are ballots of single raters in place of ``ballots``; raters vote one after another,
    or with ``together`` all at the same time, each at their own pace; ``same`` is how often the
    tuned arm and each other give the same text; ``silent`` on how many of its worst briefs the
    tuned arm says nothing; ``circle`` favours the tuned arm against bare and rag alone.

    Every arm writes ``draws`` texts a brief; ``luck`` is the part of the variance of quality
    that is the single text's. Texts of the tuned arm are ``longer`` by so many standard
    deviations, and each such is worth ``liking`` to whoever reads.
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
    together: bool = False
    same: float = 0.0
    silent: int = 0
    circle: float = 0.0
    draws: int = 1
    luck: float = 0.5
    longer: float = 0.0
    liking: float = 0.0

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


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulated study: its votes, and what nobody sees in a real one.

    ``quality`` is how good each text is, (arms, briefs, draws); ``length`` how long it is, in
    standard deviations, of the same shape.
    """

    table: VoteTable
    quality: Floats
    length: Floats


def simulate(world: World, random: np.random.Generator) -> VoteTable:
    """Return the votes of one study in ``world``, in the order in which they came."""
    return simulated(world, random).table


def simulated(world: World, random: np.random.Generator) -> Simulated:
    """Return one study in ``world``, with what is true of its texts."""
    size = len(world.arms)
    quality = _quality(world, random)
    length = random.normal(0, 1, quality.shape)
    length[-1] += world.longer
    same = _same(world, random)
    silent = _silent(world, quality)
    askable, settled = _asked(world, same, silent)
    rivals = [n for n, arm in enumerate(world.arms) if arm in CHEAPER]
    decisive = {(arm, size - 1) for arm in rivals} if "tuned" in world.arms else set()
    questions = items(askable, decisive, DECISIVE, shared=12, random=random)
    handed = _hand_out(world, questions, random)
    rater, item, swapped, earlier = handed.T
    low, high = questions.low[item], questions.high[item]
    left, right = np.where(swapped > 0, high, low), np.where(swapped > 0, low, high)
    brief, draw = questions.brief[item], questions.draw[item]
    good = quality + world.liking * length
    felt = good[left, brief, draw], good[right, brief, draw]
    choice, send = _vote(world, felt, rater, left, right, random)
    table = VoteTable(
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
        draw=draw,
        draws=world.draws,
        settled=settled,
    )
    return Simulated(table, quality, length)


def _quality(world: World, random: np.random.Generator) -> Floats:
    """Return how good each text is: what its brief is to the arm, and its own luck."""
    shape = (len(world.arms), world.briefs)
    of_brief = random.normal(0, world.quality * np.sqrt(1 - world.luck), (*shape, 1))
    of_text = random.normal(0, world.quality * np.sqrt(world.luck), (*shape, world.draws))
    quality: Floats = of_brief + of_text
    return quality


def _raters(world: World) -> int:
    return len(world.busy) or world.raters


def _same(world: World, random: np.random.Generator) -> Ints:
    """Return in which briefs the tuned arm says what each other arm says, (briefs, arms)."""
    drawn = random.random((world.briefs, 1)) < world.same
    return np.repeat(drawn, len(world.arms), axis=1).astype(np.int64)


def _silent(world: World, quality: Floats) -> Ints:
    silent = np.zeros((world.briefs, len(world.arms)), dtype=np.int64)
    silent[np.argsort(quality[-1].mean(axis=1))[: world.silent], -1] = 1
    return silent


def _asked(
    world: World, same: Ints, silent: Ints
) -> tuple[list[tuple[int, int, int, int]], Settled]:
    """Part the pairs of texts that people must judge from those that are settled."""
    size = len(world.arms)
    askable: list[tuple[int, int, int, int]] = []
    known: list[tuple[int, int, int, int]] = []
    for brief in range(world.briefs):
        for a in range(size):
            for b in range(a + 1, size):
                for drawn in range(world.draws):
                    if silent[brief, b]:
                        known.append((brief, a, b, LEFT))
                    elif b == size - 1 and same[brief, a]:
                        known.append((brief, a, b, TIE))
                    else:
                        askable.append((brief, a, b, drawn))
    columns = list(zip(*known, strict=True)) if known else [(), (), (), ()]
    of_brief, low, high, outcome = (np.array(column, dtype=np.int64) for column in columns)
    return askable, Settled(of_brief, low, high, outcome, silent.T * world.draws)


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
    handed = np.array(rows, dtype=np.int64)
    return _interleaved(handed) if world.together else handed


def _interleaved(handed: Ints) -> Ints:
    """Return ``handed`` in the order in which votes come if all raters end at the same time."""
    rater, earlier = handed[:, 0], handed[:, 3]
    cast = np.bincount(rater)
    before = np.cumsum(cast) - cast
    order = np.argsort((np.arange(len(handed)) - before[rater] + 0.5) / cast[rater], kind="stable")
    place = np.argsort(order)
    moved = np.where(earlier >= 0, place[earlier], -1)
    whole: Ints = np.column_stack([handed[:, :3], moved])[order]
    return whole


def _vote(
    world: World,
    felt: tuple[Floats, Floats],
    rater: Ints,
    left: Ints,
    right: Ints,
    random: np.random.Generator,
) -> tuple[Ints, Ints]:
    size, last = len(world.arms), len(world.arms) - 1
    truth = np.array(world.truth)
    taste = random.normal(0, world.taste, (_raters(world), size))
    pull = random.normal(0, world.pull, _raters(world))

    def worth(arm: Ints, other: Ints, good: Floats) -> Floats:
        whole: Floats = truth[arm] + taste[rater, arm] + good
        circling = (arm == last) & (other != 1) & (other != last)
        noise = random.gumbel(0, 1, len(arm)) - np.euler_gamma
        return whole + np.where(circling, world.circle, 0.0) + noise

    one, two = worth(left, right, felt[0]), worth(right, left, felt[1])
    difference = one - two + pull[rater]
    choice = np.where(difference > world.tie, LEFT, np.where(difference < -world.tie, RIGHT, TIE))
    choice = np.where((one < world.bar) & (two < world.bar), NEITHER, choice)
    send = np.stack([one > -world.sends, two > -world.sends], axis=1).astype(np.int64)
    return choice, send


def study(world: World, rules: VerdictRules, seed: int, planned: int | None = None) -> Conclusion:
    """Judge one simulated study by the plan of its arms and briefs, or ``planned`` votes."""
    table = simulate(world, np.random.default_rng(seed))
    plan = planned or votes_planned(len(world.arms), world.briefs, rules, world.draws)
    return conclude(table, Background(world.roles, briefs=world.briefs), rules, plan)


def studies(
    world: World, rules: VerdictRules, count: int, *, seed: int = 0, planned: int | None = None
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
    rules: VerdictRules,
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
    plan = planned or votes_planned(len(world.arms), world.briefs, rules, world.draws)
    background = Background(world.roles, briefs=world.briefs)
    seen: set[str] = set()
    before: set[int] = set()
    for count in _counts(table, every):
        look = reached(count, plan, rules.plan)
        number = look.number if look else -1
        if all_of_them or number not in before:
            before.add(number)
            done = conclude(table.first(count), background, rules, plan)
            seen.add(done.ruling.decision)
    return seen


def worth_seen(
    world: World, rules: VerdictRules, seed: int, *, every: int = 20, planned: int | None = None
) -> bool:
    """Return whether :func:`looked` would hold "worth", several times as fast.

    "Worth" needs the votes on each very pair to speak for the tuned arm: they are counted first,
    and a look at which they do not is not read further.
    """
    table = simulate(world, np.random.default_rng(seed))
    plan = planned or votes_planned(len(world.arms), world.briefs, rules, world.draws)
    background = Background(world.roles, briefs=world.briefs)
    looks = {look for count in _counts(table, every) if (look := reached(count, plan, rules.plan))}
    for look in sorted(looks, key=lambda look: look.number):
        cast = table.first(look.votes)
        if _tuned_wins(cast, rules, look.look.confidence):
            done = conclude(cast, background, rules, plan)
            if done.ruling.decision == "worth":
                return True
    return False


def _counts(table: VoteTable, every: int) -> list[int]:
    """Return on how many votes somebody looks: after each ``every``, and at the end."""
    cast = int((table.earlier < 0).sum())
    return [*range(every, cast, every), cast]


def _tuned_wins(table: VoteTable, rules: VerdictRules, confidence: float) -> bool:
    """Whether the votes on each very pair speak for the tuned arm: the rule ``direct``."""
    rows, tuned = contests(table), table.arms.index("tuned")
    rivals = [n for n, arm in enumerate(table.arms) if arm in CHEAPER]
    highs = (direct_share(rows, rival, tuned, confidence).high for rival in rivals)
    return all(1.0 - high > rules.at("direct") for high in highs)


@cache
def preference(world: World, a: int, b: int, draws: int = 400_000) -> float:
    """Return how often arm ``a`` is preferred to ``b`` in ``world``, ties half, 都不行 aside."""
    felt, noise = _impressions(draws)
    scale = np.sqrt(world.taste**2 + world.quality**2)
    one = world.truth[a] + scale * felt[0] + noise[0]
    two = world.truth[b] + scale * felt[1] + noise[1]
    if b == len(world.arms) - 1 and a != 1:
        two = two + world.circle
    if a == len(world.arms) - 1 and b != 1:
        one = one + world.circle
    judged = ~((one < world.bar) & (two < world.bar))
    apart_ = (one - two)[judged]
    score = np.where(apart_ > world.tie, 1.0, np.where(apart_ < -world.tie, 0.0, 0.5))
    return float(score.mean())


@cache
def _impressions(draws: int) -> tuple[Floats, Floats]:
    """Return what two texts are to who reads them, and the whim of the moment, (2, draws) each."""
    random = np.random.default_rng(7)
    return random.normal(0, 1, (2, draws)), random.gumbel(0, 1, (2, draws)) - np.euler_gamma


def strength_of(share: float, world: World) -> float:
    """Return the strength of the last arm at which it is preferred to an arm at 0 so often."""
    low, high = -4.0, 4.0
    size = len(world.arms)
    for _ in range(12):
        middle = (low + high) / 2
        truth = (0.0,) * (size - 1) + (middle,)
        if preference(replace(world, truth=truth), size - 1, 1 if size > 2 else 0) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2
