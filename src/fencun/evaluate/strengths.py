"""How strong each arm is, by Bradley-Terry, how sure that is, and whether the model fits.

A tie counts half a win for each side; 都不行 counts for nobody and is told apart. What needs
no vote (equal texts tie, a missing one loses) counts as much as a brief that was voted on.
Raters and briefs are both samples of a population; see clusters.py.
"""

import math
from dataclasses import dataclass

import numpy as np

from fencun.evaluate.clusters import ClusteredShare, Spread, logistic, share, spread, student, tukey
from fencun.evaluate.table import LEFT, NEITHER, TIE, Bools, Floats, Ints, VoteTable

_HALF = 0.5  # wins added to each side of each pair, so that a clean sweep stays finite
_STEPS = 25
_CONVERGED = 1e-8


@dataclass(frozen=True, slots=True)
class Contests:
    """Who won against whom, n rows: arms ``low`` < ``high``, ``score`` 1 where ``low`` won.

    ``rater`` is -1 where it was settled without a vote; ``weight`` is 1 for a vote.
    """

    low: Ints
    high: Ints
    score: Floats
    weight: Floats
    rater: Ints
    brief: Ints

    def of(self, low: int, high: int) -> Bools:
        """Return the mask of the rows of one pair."""
        mask: Bools = (self.low == low) & (self.high == high)
        return mask


@dataclass(frozen=True, slots=True)
class Strengths:
    """Log strengths of K arms, mean 0, shape (K,), and how sure they are."""

    arms: tuple[str, ...]
    values: Floats
    spread: Spread

    def difference(self, a: str, b: str) -> tuple[float, float]:
        """Return log odds that ``a`` is preferred to ``b``, and their standard error."""
        i, j = self.arms.index(a), self.arms.index(b)
        contrast = np.zeros(len(self.arms))
        contrast[i], contrast[j] = 1.0, -1.0
        return float(self.values[i] - self.values[j]), self.spread.error(contrast)


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


def contests(table: VoteTable) -> Contests:
    """Return what counts of ``table``: its votes, repeats left out, and what is settled.

    A settled brief weighs as much as the mean brief of its pair that was voted on.
    """
    first = table.first_time()
    first = first.where(first.choice != NEITHER)
    outcome, settled = first.outcome, table.settled
    low, high = np.minimum(first.left, first.right), np.maximum(first.left, first.right)
    score = np.where(outcome == LEFT, 1.0, np.where(outcome == TIE, 0.5, 0.0))
    weight = np.zeros(len(settled.brief))
    pairs = set(zip(settled.low.tolist(), settled.high.tolist(), strict=True))
    mean = len(first) / max(1, _pairs(len(table.arms)) * len(table.briefs))
    for a, b in pairs:
        here = (settled.low == a) & (settled.high == b)
        asked = len(table.briefs) - int(here.sum())
        cast = int(((low == a) & (high == b)).sum())
        weight[here] = cast / asked if asked > 0 else mean
    return Contests(
        np.concatenate([low, settled.low]),
        np.concatenate([high, settled.high]),
        np.concatenate([score, settled.score]),
        np.concatenate([np.ones(len(first)), weight]),
        np.concatenate([first.rater, np.full(len(settled.brief), -1, dtype=np.int64)]),
        np.concatenate([first.brief, settled.brief]),
    )


def strengths(table: VoteTable) -> Strengths:
    """Fit Bradley-Terry strengths to what counts of ``table``, with their covariance."""
    size, rows = len(table.arms), contests(table)
    values = fit(_padded(_wins(rows, size), size)[None], np.zeros(size))[0]
    contrast, beats = _contrast(rows, size), _beats(rows, values)
    score = (rows.weight * (rows.score - beats))[:, None] * contrast
    curvature = rows.weight * beats * (1.0 - beats)
    information = curvature[:, None, None] * contrast[:, :, None] * contrast[:, None, :]
    total = information.sum(axis=0) + _prior(values)
    return Strengths(table.arms, values, spread(score, information, total, rows.rater, rows.brief))


def _contrast(rows: Contests, size: int) -> Floats:
    """Return +1 for the lower arm of each row and -1 for the higher, shape (n, K)."""
    contrast = np.zeros((len(rows.low), size))
    at = np.arange(len(rows.low))
    contrast[at, rows.low], contrast[at, rows.high] = 1.0, -1.0
    return contrast


def _beats(rows: Contests, values: Floats) -> Floats:
    beats: Floats = 1.0 / (1.0 + np.exp(values[rows.high] - values[rows.low]))
    return beats


def _prior(values: Floats) -> Floats:
    """Return the curvature that the added half wins bring, and the pin of the mean, (K, K)."""
    size = len(values)
    beats = 1.0 / (1.0 + np.exp(values[None, :] - values[:, None]))
    curvature = -2.0 * _HALF * beats * (1.0 - beats)
    curvature[np.arange(size), np.arange(size)] = 0.0
    curvature[np.arange(size), np.arange(size)] = -curvature.sum(axis=1)
    pinned: Floats = curvature + 1.0 / size
    return pinned


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


def _compare(rows: Contests, strength: Strengths, a: int, b: int, confidence: float) -> Comparison:
    one, other = strength.arms[a], strength.arms[b]
    mine = rows.of(a, b)
    direct = share(
        rows.score[mine], rows.weight[mine], rows.rater[mine], rows.brief[mine], confidence
    )
    odds, error = strength.difference(one, other)
    if math.isinf(error):
        return Comparison(one, other, logistic(odds), 0.0, 1.0, 0.0, 1.0, error, direct)
    freedom = strength.spread.freedom
    alone = student(freedom, confidence) * error
    wide = max(alone, tukey(len(strength.arms), freedom, (1 + confidence) / 2) * error)
    return Comparison(
        one,
        other,
        logistic(odds),
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

    size, rows = len(table.arms), contests(table)
    pair = rows.low * size + rows.high
    known = np.unique(pair)
    degrees, freedom = len(known) - (size - 1), strength.spread.freedom
    if degrees < 1 or freedom - degrees < 1:
        return None
    contrast, beats = _contrast(rows, size), _beats(rows, strength.values)
    which = (pair[:, None] == known[None, :]).astype(np.float64)
    curvature = (rows.weight * beats * (1.0 - beats))[:, None] * contrast
    total = curvature.T @ contrast + _prior(strength.values)
    influence = which - contrast @ np.linalg.solve(total, curvature.T @ which)
    moved = (rows.weight * (rows.score - beats))[:, None] * influence
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


def _wins(rows: Contests, size: int) -> Floats:
    """Return how often each arm beat each other, shape (K, K)."""
    wins = np.zeros((size, size))
    np.add.at(wins, (rows.low, rows.high), rows.weight * rows.score)
    np.add.at(wins, (rows.high, rows.low), rows.weight * (1.0 - rows.score))
    return wins


def _pairs(size: int) -> int:
    return size * (size - 1) // 2
