"""How strong each arm is, how sure that is, and whether one strength an arm explains the votes.

Davidson's model (davidson.py): a tie is an outcome of its own, worth half a win to each side;
都不行 counts for nobody here and is told apart (:func:`over_nothing`). What needs no vote (equal
texts tie, a missing one loses) counts as much as a text that was voted on. Raters and briefs
are both samples of a population; see clusters.py.
"""

import math
from dataclasses import dataclass

import numpy as np

from fencun.evaluate.clusters import ClusteredShare, Spread, logistic, share, spread, student, tukey
from fencun.evaluate.davidson import Choices, Fit, fit
from fencun.evaluate.table import LEFT, NEITHER, TIE, Bools, Floats, Ints, VoteTable

_HALF = 0.5  # wins added to each side of each pair, so that a clean sweep stays finite


@dataclass(frozen=True, slots=True)
class Contests:
    """What counts, n rows: ``choices``, and of whom and on which brief they are a sample.

    ``rater`` is -1 where it was settled without a vote.
    """

    choices: Choices
    rater: Ints
    brief: Ints

    @property
    def score(self) -> Floats:
        """1 where the arm of the lower index won, a half for a tie, 0 else, (n,)."""
        outcome = self.choices.outcome
        scored: Floats = np.where(outcome == LEFT, 1.0, np.where(outcome == TIE, 0.5, 0.0))
        return scored

    def of(self, low: int, high: int) -> Bools:
        """Return the mask of the rows of one pair."""
        mask: Bools = (self.choices.low == low) & (self.choices.high == high)
        return mask

    def sureness(self, fitted: Fit) -> Spread:
        """Return how sure ``fitted`` is, raters and briefs both being samples."""
        return spread(fitted.score, fitted.information, fitted.total, self.rater, self.brief)


@dataclass(frozen=True, slots=True)
class Strengths:
    """Log strengths of K arms, mean 0, and how sure they are.

    ``tie`` is Davidson's ν: 0 where nobody said 一样好, 1 where two equal arms tie as often as
    either wins.
    """

    arms: tuple[str, ...]
    fitted: Fit
    spread: Spread

    @property
    def values(self) -> Floats:
        """The log strengths, shape (K,)."""
        return self.fitted.values[: len(self.arms)]

    @property
    def tie(self) -> float:
        """Davidson's ν."""
        return math.exp(self.fitted.values[-1]) if self.fitted.tied else 0.0

    @property
    def control(self) -> Floats:
        """Log odds by which each control moves a vote, shape (f,)."""
        return self.fitted.values[len(self.arms) : -1]

    def preferred(self, a: str, b: str) -> tuple[float, float]:
        """Return the share that prefers ``a`` to ``b``, and the error of its log odds."""
        contrast = np.zeros(len(self.fitted.values))
        contrast[self.arms.index(a)], contrast[self.arms.index(b)] = 1.0, -1.0
        won, slope = self.fitted.worth(contrast)
        return won, self.spread.error(slope)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How often ``a`` is preferred to ``b``, from 0 to 1, with its interval.

    ``low`` to ``high`` is right for this pair alone; ``wide_low`` to ``wide_high`` for all
    pairs at once (Tukey-Kramer), which is what "better" in a report goes by. ``error`` is
    the standard error of the log odds. ``direct`` is the same of the votes on this very pair.
    """

    a: str
    b: str
    share: float
    low: float
    high: float
    wide_low: float
    wide_high: float
    error: float
    direct: ClusteredShare

    @property
    def better(self) -> str | None:
        """The arm that is better, all pairs considered; None while it may be chance."""
        if self.wide_low > 0.5:
            return self.a
        return self.b if self.wide_high < 0.5 else None


def contests(table: VoteTable, traits: Floats | None = None, *, neither: bool = False) -> Contests:
    """Return what counts of ``table``: its votes, repeats left out, and what is settled.

    A settled text weighs as much as the mean text of its pair that was voted on. ``traits``,
    (arms, briefs, draws, f), are what texts are held to be alike in; what is settled is so
    whatever they are. Votes for neither are left out unless ``neither`` asks for them.
    """
    first = table.first_time()
    if not neither:
        first = first.where(first.choice != NEITHER)
    settled = table.settled
    low, high = np.minimum(first.left, first.right), np.maximum(first.left, first.right)
    weight = _settled_weight(table, low, high)
    if traits is None:
        traits = np.zeros((len(table.arms), len(table.briefs), table.draws, 0))
    control = traits[low, first.brief, first.draw] - traits[high, first.brief, first.draw]
    choices = Choices(
        np.concatenate([low, settled.low]),
        np.concatenate([high, settled.high]),
        np.concatenate([first.outcome, settled.outcome]),
        np.concatenate([np.ones(len(first)), weight]),
        np.concatenate([control, np.zeros((len(weight), traits.shape[-1]))]),
    )
    return Contests(
        choices,
        np.concatenate([first.rater, np.full(len(weight), -1, dtype=np.int64)]),
        np.concatenate([first.brief, settled.brief]),
    )


def _settled_weight(table: VoteTable, low: Ints, high: Ints) -> Floats:
    """Return what each settled pair of texts weighs; ``low`` and ``high`` are those voted on."""
    settled, texts = table.settled, len(table.briefs) * table.draws
    weight = np.zeros(len(settled.brief))
    size = len(table.arms)
    mean = len(low) / max(1, size * (size - 1) // 2 * texts)
    for a, b in set(zip(settled.low.tolist(), settled.high.tolist(), strict=True)):
        here = (settled.low == a) & (settled.high == b)
        asked = texts - int(here.sum())
        cast = int(((low == a) & (high == b)).sum())
        weight[here] = cast / asked if asked > 0 else mean
    return weight


def strengths(table: VoteTable, traits: Floats | None = None) -> Strengths:
    """Fit Davidson's model to what counts of ``table``, with how sure it is.

    With ``traits`` (as :func:`contests`) shares are those of texts alike in them.
    """
    rows = contests(table, traits)
    fitted = fit(rows.choices, len(table.arms), _HALF)
    return Strengths(table.arms, fitted, rows.sureness(fitted))


def over_nothing(table: VoteTable, confidence: float) -> list[ClusteredShare]:
    """Return for each arm how often its text is chosen over sending nothing at all.

    From all four outcomes together: neither is one more thing to choose. 0.5 is an arm that is
    as good as nothing.
    """
    rows = contests(table, neither=True)
    size, fitted = len(table.arms), fit(rows.choices, len(table.arms), _HALF, neither=True)
    sure = rows.sureness(fitted)
    cast = [int((rows.rater >= 0)[(rows.choices.low == k) | (rows.choices.high == k)].sum())
            for k in range(size)]  # fmt: skip
    found = []
    for arm in range(size):
        error = sure.error(np.eye(len(fitted.values))[arm])
        reach = student(sure.freedom, confidence) * error if math.isfinite(error) else math.inf
        odds = float(fitted.values[arm])
        ends = logistic(odds - reach), 1.0 - logistic(-odds - reach)
        found.append(ClusteredShare(cast[arm], logistic(odds), *ends, error))
    return found


def compare_all(table: VoteTable, strength: Strengths, confidence: float) -> list[Comparison]:
    """Return the comparison of every pair, in the order of the arms.

    Each interval holds at ``confidence``; those for all pairs at once leave half that doubt,
    which is what one side of an interval leaves.
    """
    rows = contests(table)
    return [
        _compare(rows, strength, a, b, confidence)
        for a in range(len(table.arms))
        for b in range(a + 1, len(table.arms))
    ]


def direct_share(rows: Contests, a: int, b: int, confidence: float) -> ClusteredShare:
    """Return how often arm ``a`` is preferred by what counts on this very pair; ``a`` < ``b``."""
    mine = rows.of(a, b)
    return share(
        rows.score[mine], rows.choices.weight[mine], rows.rater[mine], rows.brief[mine], confidence
    )


def _compare(rows: Contests, strength: Strengths, a: int, b: int, confidence: float) -> Comparison:
    one, other = strength.arms[a], strength.arms[b]
    direct = direct_share(rows, a, b, confidence)
    won, error = strength.preferred(one, other)
    if math.isinf(error):
        return Comparison(one, other, won, 0.0, 1.0, 0.0, 1.0, error, direct)
    odds, freedom = math.log(won / (1.0 - won)), strength.spread.freedom
    alone = student(freedom, confidence) * error
    wide = max(alone, tukey(len(strength.arms), freedom, (1 + confidence) / 2) * error)
    return Comparison(
        one,
        other,
        won,
        logistic(odds - alone),
        logistic(odds + alone),
        logistic(odds - wide),
        logistic(odds + wide),
        error,
        direct,
    )


def fits(table: VoteTable, strength: Strengths) -> float | None:
    """Return the p-value of "one strength an arm explains every pair"; None if nothing to test.

    Residuals of the pairs against their two-way clustered variance (a score test): where it
    is small, who beats whom goes in circles and the direct pairs must speak for themselves.
    """
    from scipy import stats

    size, rows, fitted = len(table.arms), contests(table), strength.fitted
    pair = rows.choices.low * size + rows.choices.high
    known = np.unique(pair)
    degrees, freedom = len(known) - (size - 1), strength.spread.freedom
    if degrees < 1 or freedom - degrees < 1:
        return None
    which = (pair[:, None] == known[None, :]).astype(np.float64)
    weight = rows.choices.weight
    moves = (weight[:, None] * fitted.slope).T @ which
    residual = (weight * (rows.score - fitted.expected))[:, None] * which
    moved = residual - fitted.score @ np.linalg.solve(fitted.total, moves)
    plain = np.eye(len(known))
    nothing = np.zeros((len(moved), len(known), len(known)))
    variance = spread(moved, nothing, plain, rows.rater, rows.brief)
    values, vectors = np.linalg.eigh(_no_less(variance))
    kept = np.argsort(values)[-degrees:]
    along = vectors[:, kept].T @ moved.sum(axis=0)
    statistic = float((along**2 / np.maximum(values[kept], 1e-9)).sum())
    scale = (freedom - degrees + 1) / (freedom * degrees)
    return float(stats.f.sf(statistic * scale, degrees, freedom - degrees + 1))


def _no_less(variance: Spread) -> Floats:
    """The two-way matrix, or the larger one-way one where that has the greater trace."""
    matrices = (variance.both, variance.by_rater, variance.by_brief)
    return max(matrices, key=lambda matrix: float(np.trace(matrix)))
