"""How strong each arm is, by Bradley-Terry, and how sure that is.

A tie counts half a win for each side; 都不行 counts for nobody and is told apart. Raters
and briefs are both samples of a population, so both are resampled: the variance is that
over raters plus that over briefs minus that over votes (Cameron, Gelbach & Miller 2011,
"Robust inference with multiway clustering"), never less than either alone.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from fencun.evaluate.table import LEFT, NEITHER, TIE, Floats, Ints, VoteTable

RESAMPLES = 300
_SEED = 20260217
_HALF = 0.5  # wins added to each side of each pair, so that a clean sweep stays finite
_STEPS = 25
_CONVERGED = 1e-8


@dataclass(frozen=True, slots=True)
class Strengths:
    """Log strengths of K arms, mean 0, shape (K,), and their covariance, shape (K, K).

    ``freedom`` is the number of independent raters or briefs, whichever is less, minus 1;
    where it is 0 nothing can be said about anybody else and every interval is (0, 1).
    """

    arms: tuple[str, ...]
    values: Floats
    covariance: Floats
    by_rater: Floats
    by_brief: Floats
    freedom: int

    def difference(self, a: str, b: str) -> tuple[float, float]:
        """Return log odds that ``a`` is preferred to ``b``, and their standard error."""
        i, j = self.arms.index(a), self.arms.index(b)
        contrast = np.zeros(len(self.arms))
        contrast[i], contrast[j] = 1.0, -1.0
        variance = max(
            float(contrast @ matrix @ contrast)
            for matrix in (self.covariance, self.by_rater, self.by_brief)
        )
        if self.freedom < 1:
            return float(self.values[i] - self.values[j]), math.inf
        return float(self.values[i] - self.values[j]), math.sqrt(max(variance, 0.0))


@dataclass(frozen=True, slots=True)
class Comparison:
    """How often ``a`` is preferred to ``b``, from 0 to 1, with its interval.

    ``low`` to ``high`` is right for this pair alone; ``wide_low`` to ``wide_high`` for all
    pairs at once (Tukey-Kramer), which is what "better" in a report goes by.
    ``error`` is the standard error of the log odds.
    """

    a: str
    b: str
    share: float
    low: float
    high: float
    wide_low: float
    wide_high: float
    error: float

    @property
    def better(self) -> str | None:
        """The arm that is better, all pairs considered; None while it may be chance."""
        if self.wide_low > 0.5:
            return self.a
        return self.b if self.wide_high < 0.5 else None


def strengths(table: VoteTable, *, resamples: int = RESAMPLES, seed: int = _SEED) -> Strengths:
    """Fit Bradley-Terry strengths to votes (repeats left out) and resample raters and briefs.

    Deterministic for equal votes and ``seed``.
    """
    import choix

    table = table.first_time()
    size = len(table.arms)
    wins = _wins(table, np.zeros(len(table), dtype=np.int64), 1)[0]
    values = choix.ilsr_pairwise_dense(_padded(wins, size), alpha=0.0, max_iter=500)
    random = np.random.default_rng(seed)
    raters, briefs = _relabel(table.rater), _relabel(table.brief)
    count = len(table)
    by_rater = _spread(table, raters, values, resamples, random)
    by_brief = _spread(table, briefs, values, resamples, random)
    by_vote = _spread(table, np.arange(count), values, resamples, random)
    groups = min(_groups(raters), _groups(briefs))
    return Strengths(
        table.arms,
        np.asarray(values, dtype=np.float64),
        by_rater + by_brief - by_vote,
        by_rater,
        by_brief,
        max(0, groups - 1),
    )


def compare(strength: Strengths, a: str, b: str, *, confidence: float = 0.95) -> Comparison:
    """Return how often ``a`` is preferred to ``b``, with intervals at ``confidence``."""
    odds, error = strength.difference(a, b)
    if math.isinf(error):
        return Comparison(a, b, _logistic(odds), 0.0, 1.0, 0.0, 1.0, error)
    one = _student(strength.freedom, confidence) * error
    many = _tukey(len(strength.arms), strength.freedom, confidence) * error
    return Comparison(
        a,
        b,
        _logistic(odds),
        _logistic(odds - one),
        _logistic(odds + one),
        _logistic(odds - max(one, many)),
        _logistic(odds + max(one, many)),
        error,
    )


def compare_all(strength: Strengths, *, confidence: float = 0.95) -> list[Comparison]:
    """Return the comparison of every pair, in the order of the arms."""
    return [
        compare(strength, a, b, confidence=confidence)
        for index, a in enumerate(strength.arms)
        for b in strength.arms[index + 1 :]
    ]


def fit(wins: Floats, start: Floats) -> Floats:
    """Return Bradley-Terry log strengths, shape (B, K), of B win matrices at once, (B, K, K).

    ``wins[b, i, j]`` is how often i beat j, halves for ties. The maximum-likelihood point
    that ``choix.ilsr_pairwise_dense`` finds for one matrix, by Newton's method for all.
    """
    batch, size = wins.shape[0], wins.shape[1]
    values = np.tile(start, (batch, 1))
    games = wins + wins.transpose(0, 2, 1)
    won = wins.sum(axis=2)
    diagonal = np.arange(size)
    for _ in range(_STEPS):
        beats = 1.0 / (1.0 + np.exp(values[:, None, :] - values[:, :, None]))
        gradient = won - (games * beats).sum(axis=2)
        curvature = -games * beats * (1.0 - beats)
        curvature[:, diagonal, diagonal] = 0.0
        curvature[:, diagonal, diagonal] = -curvature.sum(axis=2)
        # Strengths are defined up to a constant: pin their mean to make this invertible.
        step = np.linalg.solve(curvature + 1.0 / size, gradient[..., None])[..., 0]
        values = values + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < _CONVERGED:
            break
    centred: Floats = values - values.mean(axis=1, keepdims=True)
    return centred


def _padded(wins: Floats, size: int) -> Floats:
    padded: Floats = wins + _HALF * (1.0 - np.eye(size))
    return padded


def _wins(table: VoteTable, group: Ints, groups: int) -> Floats:
    """Return how often each arm beat each other in each group, shape (groups, K, K)."""
    size = len(table.arms)
    wins = np.zeros((groups, size, size))
    decided = table.choice != NEITHER
    left_score = np.where(table.choice == LEFT, 1.0, np.where(table.choice == TIE, 0.5, 0.0))
    np.add.at(wins, (group, table.left, table.right), np.where(decided, left_score, 0.0))
    np.add.at(wins, (group, table.right, table.left), np.where(decided, 1.0 - left_score, 0.0))
    return wins


def _spread(
    table: VoteTable, group: Ints, start: Floats, resamples: int, random: np.random.Generator
) -> Floats:
    """Return the covariance of the strengths, (K, K), when groups are drawn with replacement."""
    size, groups = len(table.arms), _groups(group)
    if groups < 2:
        return np.zeros((size, size))
    per_group = _wins(table, group, groups).reshape(groups, size * size)
    drawn = random.multinomial(groups, np.full(groups, 1.0 / groups), size=resamples)
    wins = (drawn.astype(np.float64) @ per_group).reshape(resamples, size, size)
    values = fit(_padded(wins, size), start)
    # A bootstrap of G groups sees (G - 1) / G of the variance.
    spread: Floats = np.atleast_2d(np.cov(values, rowvar=False)) * groups / (groups - 1)
    return spread


def _relabel(column: Ints) -> Ints:
    labels: Ints = np.unique(column, return_inverse=True)[1]
    return labels


def _groups(labels: Ints) -> int:
    return int(labels.max()) + 1 if len(labels) else 0


def _logistic(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-odds)) if odds > -700 else 0.0


@cache
def _student(freedom: int, confidence: float) -> float:
    from scipy import stats

    return float(stats.t.ppf(0.5 + confidence / 2, freedom))


@cache
def _tukey(arms: int, freedom: int, confidence: float) -> float:
    from scipy import stats

    return float(stats.studentized_range.ppf(confidence, arms, freedom)) / math.sqrt(2.0)
