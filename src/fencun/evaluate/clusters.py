"""How sure a number from votes is when raters and briefs are both samples of a population.

The variance is that over raters plus that over briefs minus that over votes (Cameron, Gelbach
& Miller 2011, "Robust inference with multiway clustering"). Each is a jackknife: what the
estimate would have been without one rater (or brief), so that a busy one weighs as much in
the doubt as in the estimate (CR3 of MacKinnon, Nielsen & Webb 2023, "Cluster-robust
inference"). Nothing is drawn at random: equal votes give equal intervals.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from fencun.evaluate.table import Floats, Ints


@dataclass(frozen=True, slots=True)
class Spread:
    """Covariance of p estimates, shape (p, p): two-way, and over raters and briefs alone.

    ``freedom`` is the effective number of raters or briefs, whichever is less, minus 1;
    where it is 0 nothing can be said about anybody else.
    """

    both: Floats
    by_rater: Floats
    by_brief: Floats
    freedom: int

    def error(self, contrast: Floats) -> float:
        """Return the standard error of ``contrast`` (p numbers); never less than one way alone."""
        if self.freedom < 1:
            return math.inf
        variance = max(
            float(contrast @ m @ contrast) for m in (self.both, self.by_rater, self.by_brief)
        )
        return math.sqrt(max(variance, 0.0))


def effective(labels: Ints) -> float:
    """Return how many equally busy groups would say as much as those in ``labels`` (Kish 1965)."""
    counts = np.bincount(labels) if len(labels) else np.zeros(1)
    total = float(counts.sum())
    return total * total / float((counts.astype(np.float64) ** 2).sum()) if total else 0.0


def spread(score: Floats, information: Floats, total: Floats, rater: Ints, brief: Ints) -> Spread:
    """Return how sure an estimate is that solves "the scores sum to zero".

    ``score`` is (n, p), what each row adds; ``information`` (n, p, p), what each adds to the
    curvature; ``total`` the whole curvature, (p, p), priors included. ``rater`` is -1 for rows
    that nobody voted on: their brief is a sample, no rater is.
    """
    voted = rater >= 0
    by_rater = _jackknife(score[voted], information[voted], total, rater[voted])
    by_brief = _jackknife(score, information, total, brief)
    step = np.linalg.solve(total, score[voted].T)
    return Spread(
        by_rater + by_brief - step @ step.T,
        by_rater,
        by_brief,
        max(0, math.floor(min(effective(rater[voted]), effective(brief[voted])) + 1e-9) - 1),
    )


def _jackknife(score: Floats, information: Floats, total: Floats, labels: Ints) -> Floats:
    """Return the covariance over groups, (p, p), by one Newton step without each of them."""
    size = total.shape[0]
    groups = sorted_unique(labels)
    count = int(groups.max()) + 1 if len(groups) else 0
    if count < 2:
        return np.zeros((size, size))
    scores, curvature = np.zeros((count, size)), np.zeros((count, size, size))
    np.add.at(scores, groups, score)
    np.add.at(curvature, groups, information)
    moved = np.linalg.solve(total - curvature, scores[..., None])[..., 0]
    found: Floats = (count - 1) / count * (moved.T @ moved)
    return found


def sorted_unique(labels: Ints) -> Ints:
    """Return ``labels`` renumbered from 0 without gaps."""
    renumbered: Ints = np.unique(labels, return_inverse=True)[1]
    return renumbered


@dataclass(frozen=True, slots=True)
class ClusteredShare:
    """A share from 0 to 1 with its interval at the confidence asked for; None without votes.

    ``votes`` is how many it is from, ``error`` its standard error as log odds.
    """

    votes: int
    share: float | None
    low: float
    high: float
    error: float


def share(
    said: Floats, weight: Floats, rater: Ints, brief: Ints, confidence: float
) -> ClusteredShare:
    """Return the weighted share of ``said`` (n numbers from 0 to 1), clustered both ways.

    ``rater`` is -1 for rows that nobody voted on. Half a yes and half a no are added, so that
    all of one kind stays short of certain.
    """
    votes = int((rater >= 0).sum())
    if not votes:
        return ClusteredShare(0, None, 0.0, 1.0, math.inf)
    whole = float(weight.sum()) + 1.0
    mean = (float(weight @ said) + 0.5) / whole
    score = (weight * (said - mean))[:, None]
    found = spread(score, weight[:, None, None], np.array([[whole]]), rater, brief)
    error = found.error(np.ones(1)) / (mean * (1.0 - mean))
    odds = math.log(mean / (1.0 - mean))
    if math.isinf(error):
        return ClusteredShare(votes, mean, 0.0, 1.0, error)
    reach = student(found.freedom, confidence) * error
    return ClusteredShare(votes, mean, logistic(odds - reach), logistic(odds + reach), error)


def logistic(odds: float) -> float:
    """Return the probability whose log odds are ``odds``."""
    return 1.0 / (1.0 + math.exp(-odds)) if odds > -700 else 0.0


@cache
def student(freedom: int, confidence: float) -> float:
    """Return the two-sided quantile of Student's t."""
    from scipy import stats

    return float(stats.t.ppf(0.5 + confidence / 2, freedom))


@cache
def tukey(arms: int, freedom: int, confidence: float) -> float:
    """Return the quantile for all differences of ``arms`` arms at once (Tukey-Kramer)."""
    from scipy import stats

    return float(stats.studentized_range.ppf(confidence, arms, freedom)) / math.sqrt(2.0)
