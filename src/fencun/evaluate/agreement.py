"""Whether raters agree: with each other (Krippendorff's alpha), and with themselves."""

from dataclasses import dataclass

import numpy as np

from fencun.evaluate.rates import Rate, wilson
from fencun.evaluate.table import NEITHER, Floats, Ints, VoteTable

_RESAMPLES = 300
_SEED = 20260217


@dataclass(frozen=True, slots=True)
class Agreement:
    """``preference`` and ``send`` are Krippendorff's alpha, nominal: 1 is perfect, 0 is chance.

    ``preference`` is about which answer is better, ``send`` about whether one answer would
    be sent as it is.
    """

    preference: "Alpha"
    send: "Alpha"
    self_agreement: Rate


@dataclass(frozen=True, slots=True)
class Alpha:
    """Krippendorff's alpha and its 95 % bootstrap interval over the ``units`` judged twice or more.

    None where no two people judged one thing, or where everybody said the same of everything.
    """

    value: float | None
    low: float | None
    high: float | None
    units: int


def agreement(table: VoteTable) -> Agreement:
    """Return how far raters agree with each other and, where asked twice, with themselves."""
    first = table.first_time()
    arms = len(table.arms)
    unit = first.brief * arms * arms + first.pair
    answer = np.concatenate([first.brief * arms + first.left, first.brief * arms + first.right])
    twice = np.concatenate([first.rater, first.rater])
    send = first.send.T.ravel().astype(np.int64)
    return Agreement(
        alpha_of(unit, first.rater, first.outcome, NEITHER + 1),
        alpha_of(answer, twice, send, 2),
        self_agreement(table),
    )


def self_agreement(table: VoteTable) -> Rate:
    """Return how often raters who met a pair again, sides swapped, said the same of it."""
    again = np.flatnonzero(table.earlier >= 0)
    outcome = table.outcome
    same = int((outcome[again] == outcome[table.earlier[again]]).sum())
    return wilson(same, len(again))


def alpha_of(unit: Ints, rater: Ints, value: Ints, values: int) -> Alpha:
    """Return alpha over units, for codes 0 to ``values`` - 1; three arrays of one length.

    Of a rater who met one unit twice the later word counts.
    """
    import krippendorff

    if not len(unit):
        return Alpha(None, None, None, 0)
    _, unit = np.unique(unit, return_inverse=True)
    _, rater = np.unique(rater, return_inverse=True)
    said = np.full((rater.max() + 1, unit.max() + 1), -1, dtype=np.int64)
    said[rater, unit] = value
    counts: Floats = np.stack([(said == code).sum(axis=0) for code in range(values)], axis=1)
    counts = counts[counts.sum(axis=1) >= 2]
    if not len(counts) or (counts.sum(axis=0) > 0).sum() < 2:
        return Alpha(None, None, None, len(counts))
    alpha = krippendorff.alpha(value_counts=counts, level_of_measurement="nominal")
    low, high = np.nanpercentile(_resampled(counts.astype(np.float64)), [2.5, 97.5])
    return Alpha(float(alpha), float(low), float(high), len(counts))


def _resampled(counts: Floats) -> Floats:
    """Return alpha of resampled units, shape (resamples,): 1 - observed / expected disagreement.

    ``counts`` is (units, values): how many raters said what. The nominal case of
    Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", for all at once.
    """
    units = len(counts)
    random = np.random.default_rng(_SEED)
    weight = random.multinomial(units, np.full(units, 1.0 / units), size=_RESAMPLES)
    judged = counts.sum(axis=1)
    differing = (judged**2 - (counts**2).sum(axis=1)) / (judged - 1)
    total = weight @ judged
    said = weight @ counts
    expected = (total**2 - (said**2).sum(axis=1)) / (total - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        alpha: Floats = np.where(expected > 0, 1.0 - (weight @ differing) / expected, np.nan)
    return alpha
