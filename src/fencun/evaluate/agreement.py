"""Whether raters agree: with each other, and with themselves; both less what chance gives."""

import math
from dataclasses import dataclass

import numpy as np

from fencun.evaluate.clusters import sorted_unique
from fencun.evaluate.rates import Rate, wilson
from fencun.evaluate.table import NEITHER, UNSAID, Floats, Ints, VoteTable

_SURE = 1.96


@dataclass(frozen=True, slots=True)
class Agreement:
    """``preference`` and ``send`` are Krippendorff's alpha, nominal: 1 is perfect, 0 is chance.

    ``preference`` is about which answer is better, ``send`` about whether one answer would
    be sent as it is. ``self_agreement`` is how often raters said the same of a pair met again,
    ``consistency`` the same less what chance gives (Cohen's kappa of first and second time).
    """

    preference: "Alpha"
    send: "Alpha"
    self_agreement: Rate
    consistency: "Alpha"


@dataclass(frozen=True, slots=True)
class Alpha:
    """A chance-corrected agreement and its 95 % interval over the ``units`` judged twice or more.

    None where nothing was judged twice, or where everybody said the same of everything.
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
    send = first.send.T.ravel()
    said = send != UNSAID
    return Agreement(
        alpha_of(unit, first.rater, first.outcome, NEITHER + 1),
        alpha_of(answer[said], twice[said], send[said], 2),
        self_agreement(table),
        consistency(table),
    )


def self_agreement(table: VoteTable) -> Rate:
    """Return how often raters who met a pair again, sides swapped, said the same of it."""
    again = np.flatnonzero(table.earlier >= 0)
    outcome = table.outcome
    same = int((outcome[again] == outcome[table.earlier[again]]).sum())
    return wilson(same, len(again))


def consistency(table: VoteTable) -> Alpha:
    """Return how far raters agree with themselves beyond chance.

    Chance is that two votes drawn from all would say the same; the interval is Wilson's, moved
    alike.
    """
    rate = self_agreement(table)
    if not rate.total or not len(table):
        return Alpha(None, None, None, 0)
    spread_of = np.bincount(table.outcome, minlength=NEITHER + 1) / len(table)
    chance = float((spread_of**2).sum())
    if chance >= 1.0:
        return Alpha(None, None, None, rate.total)
    value, low, high = (
        (float(told or 0.0) - chance) / (1.0 - chance) for told in (rate.share, rate.low, rate.high)
    )
    return Alpha(value, low, high, rate.total)


def alpha_of(unit: Ints, rater: Ints, value: Ints, values: int) -> Alpha:
    """Return alpha over units, for codes 0 to ``values`` - 1; three arrays of one length.

    Of a rater who met one unit twice the later word counts.
    """
    import krippendorff

    if not len(unit):
        return Alpha(None, None, None, 0)
    unit, rater = sorted_unique(unit), sorted_unique(rater)
    said = np.full((rater.max() + 1, unit.max() + 1), -1, dtype=np.int64)
    said[rater, unit] = value
    counts: Floats = np.stack([(said == code).sum(axis=0) for code in range(values)], axis=1)
    counts = counts[counts.sum(axis=1) >= 2]
    if not len(counts) or (counts.sum(axis=0) > 0).sum() < 2:
        return Alpha(None, None, None, len(counts))
    alpha = float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))
    reach = _SURE * _error(counts.astype(np.float64))
    return Alpha(alpha, alpha - reach, min(1.0, alpha + reach), len(counts))


def _error(counts: Floats) -> float:
    """Return the jackknife standard error of alpha, a unit left out at a time; inf for one unit.

    ``counts`` is (units, values): how many raters said what. Alpha is 1 - observed / expected
    disagreement, the nominal case of Krippendorff (2011), "Computing Krippendorff's
    Alpha-Reliability".
    """
    units = len(counts)
    if units < 2:
        return math.inf
    judged = counts.sum(axis=1)
    differing = (judged**2 - (counts**2).sum(axis=1)) / (judged - 1)
    total, said = judged.sum() - judged, counts.sum(axis=0) - counts
    expected = (total**2 - (said**2).sum(axis=1)) / np.maximum(total - 1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        without = 1.0 - (differing.sum() - differing) / expected
    without = without[np.isfinite(without)]
    if len(without) < 2:
        return math.inf
    return float(np.sqrt((units - 1) / units * ((without - without.mean()) ** 2).sum()))
