"""What a judge's reading is worth: how far it agrees with people, and by how much it helps them.

Held against people's votes on the same texts. Where it agrees, it shrinks their interval as a
control variate: the share that people prefer is counted on votes, less what the judge says
there, plus what it says on all texts (Angelopoulos et al. 2023, "Prediction-powered
inference", arXiv 2301.09633; the weight of the judge as in PPI++, arXiv 2311.01453). A judge
that is wrong only fails to help. Without people's votes nothing is said but what it read.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fencun.evaluate.clusters import (
    ClusteredShare,
    effective,
    logistic,
    share,
    sorted_unique,
    student,
)
from fencun.evaluate.judging import MachineJudgement
from fencun.evaluate.table import LEFT, NEITHER, TIE, Floats, Ints, VoteTable


@dataclass(frozen=True, slots=True)
class Helped:
    """``a`` against ``b``: as the judge reads all pairs, as people voted, as both together.

    ``weight`` is how far the judge is trusted, 0 to 1; ``worth`` how many votes the interval
    of both is as good as. All but ``read`` is None without votes.
    """

    a: str
    b: str
    pairs: int
    read: float
    people: ClusteredShare | None
    both: ClusteredShare | None
    weight: float
    worth: int


@dataclass(frozen=True, slots=True)
class Screening:
    """One judge. ``agrees`` is how often it takes the side of a person who took one; ``steady``
    how often both orders gave it the same.
    """

    judge: str
    pairs: int
    steady: float
    agrees: ClusteredShare | None
    helped: tuple[Helped, ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """What a judge said of every pair of arms, (arms, arms, briefs, draws): how far the first of
    the two is preferred; NaN where it read nothing.
    """

    values: Floats

    @classmethod
    def of(
        cls,
        said: Sequence[MachineJudgement],
        arms: Sequence[str],
        briefs: Sequence[str],
        draws: int,
    ) -> "Scores":
        """Gather ``said``; what is about other arms, briefs or draws is left out."""
        values = np.full((len(arms), len(arms), len(briefs), draws), np.nan)
        arm, brief = ({name: n for n, name in enumerate(names)} for names in (arms, briefs))
        for one in said:
            if one.low in arm and one.high in arm and one.brief in brief and one.draw < draws:
                a, b, at = arm[one.low], arm[one.high], brief[one.brief]
                values[a, b, at, one.draw] = one.score
                values[b, a, at, one.draw] = 1.0 - one.score
        return cls(values)


def screened(
    table: VoteTable,
    said: Sequence[MachineJudgement],
    pairs: Sequence[tuple[str, str]],
    confidence: float,
) -> Screening:
    """Return what the judgements ``said`` of one judge are worth beside the votes of ``table``.

    ``pairs`` names the arms to tell of, the first of each against the second.
    """
    scores = Scores.of(said, table.arms, table.briefs, table.draws)
    first = table.first_time()
    first = first.where(first.choice != NEITHER)
    place = {arm: number for number, arm in enumerate(table.arms)}
    return Screening(
        said[0].judge,
        len(said),
        float(np.mean([one.steady for one in said])),
        _agreement(first, scores, confidence),
        tuple(_helped(first, scores, place[a], place[b], confidence) for a, b in pairs),
    )


def _agreement(first: VoteTable, scores: Scores, confidence: float) -> ClusteredShare | None:
    judged = scores.values[first.left, first.right, first.brief, first.draw]
    took = (first.choice < TIE) & ~np.isnan(judged) & (judged != 0.5)
    if not took.any():
        return None
    same = ((judged[took] > 0.5) == (first.choice[took] == LEFT)).astype(np.float64)
    return share(same, np.ones(len(same)), first.rater[took], first.brief[took], confidence)


def _helped(first: VoteTable, scores: Scores, one: int, other: int, confidence: float) -> Helped:
    read = scores.values[one, other]
    mean = float(np.nanmean(read)) if (~np.isnan(read)).any() else 0.5
    pairs = int((~np.isnan(read)).sum())
    names = first.arms[one], first.arms[other]
    mine = first.where(first.pair == min(one, other) * len(first.arms) + max(one, other))
    judged = read[mine.brief, mine.draw]
    mine, judged = mine.where(~np.isnan(judged)), judged[~np.isnan(judged)]
    if len(mine) < 2:
        return Helped(*names, pairs, mean, None, None, 0.0, 0)
    score = np.where(mine.outcome == LEFT, 1.0, np.where(mine.outcome == TIE, 0.5, 0.0))
    won = score if one < other else 1.0 - score
    people = share(won, np.ones(len(won)), mine.rater, mine.brief, confidence)
    both, weight, gain = powered(won, judged, read, mine.rater, mine.brief, confidence)
    return Helped(*names, pairs, mean, people, both, weight, round(len(won) * gain))


def powered(
    won: Floats, judged: Floats, read: Floats, rater: Ints, brief: Ints, confidence: float
) -> tuple[ClusteredShare, float, float]:
    """Return the share of ``won`` with the judge as control variate, its weight, and the gain.

    ``won`` and ``judged``, (n,), are what people and the judge said of the same texts; ``read``,
    (briefs, draws), what the judge said of all. ``gain`` is by how much smaller the variance is
    than that of the votes alone. Raters and briefs are clusters, as everywhere (clusters.py).
    """
    raw, control = won - won.mean(), judged - judged.mean()
    everywhere = np.where(np.isnan(read), 0.0, read - np.nanmean(read))
    apart = everywhere.sum(axis=1) / (~np.isnan(read)).sum()
    votes = _Parts(raw / len(won), np.zeros(len(read)), rater, brief)
    shift = _Parts(-control / len(won), apart, rater, brief)
    weight = _weight(raw, control, read)
    alone, variance = votes.variance(), votes.plus(weight, shift).variance()
    mean = float(won.mean() + weight * (np.nanmean(read) - judged.mean()))
    mean = min(max(mean, 0.5 / (len(won) + 1)), 1 - 0.5 / (len(won) + 1))
    freedom = max(0, math.floor(min(effective(rater), effective(brief)) + 1e-9) - 1)
    if freedom < 1:
        return ClusteredShare(len(won), mean, 0.0, 1.0, math.inf), 0.0, 1.0
    error = math.sqrt(variance) / (mean * (1 - mean))
    odds, reach = math.log(mean / (1 - mean)), student(freedom, confidence) * error
    found = ClusteredShare(len(won), mean, logistic(odds - reach), logistic(odds + reach), error)
    return found, weight, alone / variance if variance > 0 else 1.0


def _weight(raw: Floats, control: Floats, read: Floats) -> float:
    """Return how far the judge is trusted: how votes go with it, as in PPI++, 0 to 1.

    From single votes: where few people voted, a weight that is chosen for the least clustered
    variance would find one that is too good to be true.
    """
    whole = float(control @ control) * (1 + len(raw) / (~np.isnan(read)).sum())
    return min(1.0, max(0.0, float(raw @ control) / whole)) if whole > 0 else 0.0


@dataclass(frozen=True, slots=True)
class _Parts:
    """What votes (n,) and briefs (all of them) add to a mean."""

    of_votes: Floats
    of_briefs: Floats
    rater: Ints
    brief: Ints

    def plus(self, weight: float, other: "_Parts") -> "_Parts":
        """Return these and ``weight`` times those of ``other``."""
        return replace(
            self,
            of_votes=self.of_votes + weight * other.of_votes,
            of_briefs=self.of_briefs + weight * other.of_briefs,
        )

    def variance(self) -> float:
        """Over raters plus over briefs less over what is both; never less than one way alone."""
        of_brief = _summed(self.brief, self.of_votes, len(self.of_briefs)) + self.of_briefs
        briefs = _over(of_brief, len(np.unique(self.brief)))
        of_rater = _summed(sorted_unique(self.rater), self.of_votes)
        raters = _over(of_rater, len(of_rater))
        cells = self.brief * (int(self.rater.max()) + 1) + self.rater
        inside = _summed(sorted_unique(cells), self.of_votes)
        return max(briefs + raters - float(inside @ inside), briefs, raters)


def _summed(labels: Ints, values: Floats, groups: int | None = None) -> Floats:
    summed = np.zeros(int(labels.max()) + 1 if groups is None else groups)
    np.add.at(summed, labels, values)
    return summed


def _over(of_group: Floats, groups: int) -> float:
    return groups / max(1, groups - 1) * float(of_group @ of_group)
