"""Where the doubt of a result comes from: briefs, single texts, raters, or single votes.

Votes that share a brief, a text or a rater vary together. From how far they do, the variance
of one vote is split into its parts (estimators of moments: Searle, Casella & McCulloch 1992,
"Variance Components"), and each part is told by what it leaves in the result. That says what
the next study should have more of.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fencun.evaluate.table import LEFT, NEITHER, TIE, Floats, Ints, VoteTable


@dataclass(frozen=True, slots=True)
class Split:
    """Parts of the variance of one vote (1 for the arm, 0 against it, a half for a tie).

    ``texts`` is None where every arm wrote one text a brief: its luck is then in ``briefs``.
    ``left`` is what each part leaves in the result, in the order briefs, texts, raters, votes;
    together 1.
    """

    votes: int
    briefs: float
    texts: float | None
    raters: float
    rest: float
    left: tuple[float, float, float, float]

    @property
    def luck(self) -> float | None:
        """Which part of what differs between texts is the single text's; None where unknown."""
        if self.texts is None or self.briefs + self.texts <= 0:
            return None
        return self.texts / (self.briefs + self.texts)


def split(table: VoteTable, arm: str) -> Split | None:
    """Return the split of votes on ``arm`` against others; None with too little to tell."""
    shared = _gathered(table, arm)
    if shared is None:
        return None
    several = shared.brief.pairs > 0
    if not (shared.text.pairs or several) or not shared.rater.pairs:
        return None
    of_brief, of_text = shared.brief.mean, shared.text.mean
    if not several:  # one text a brief: whoever shares the brief shares the text
        of_brief = of_text
    lost = _lost(shared, of_brief, of_text)
    briefs, texts = max(0.0, of_brief + lost), max(0.0, of_text - of_brief)
    raters = max(0.0, shared.rater.mean + lost)
    rest = max(0.0, shared.vote.mean + lost - briefs - texts - raters)
    parts = (briefs, texts, raters, rest)
    left = [part * share for part, share in zip(parts, shared.in_mean, strict=True)]
    whole = sum(left) or 1.0
    return Split(
        shared.vote.pairs,
        briefs,
        texts if several else None,
        raters,
        rest,
        (left[0] / whole, left[1] / whole, left[2] / whole, left[3] / whole),
    )


@dataclass(slots=True)
class _Products:
    """Products of residuals of pairs of votes that share something: their sum and number."""

    total: float = 0.0
    pairs: int = 0

    def add(self, residual: Floats, labels: Ints, sign: int = 1) -> None:
        sums = np.bincount(labels, residual)
        squares = np.bincount(labels, residual**2)
        counts = np.bincount(labels)
        self.total += sign * float((sums**2 - squares).sum()) / 2
        self.pairs += sign * int((counts * (counts - 1)).sum()) // 2

    @property
    def mean(self) -> float:
        return self.total / self.pairs if self.pairs else 0.0


@dataclass(slots=True)
class _Shared:
    """``vote`` holds squares; the others products. ``in_mean``: what is left of each part."""

    vote: _Products
    brief: _Products
    text: _Products
    rater: _Products
    in_mean: Floats


def _gathered(table: VoteTable, arm: str) -> _Shared | None:
    shared = _Shared(_Products(), _Products(), _Products(), _Products(), np.zeros(4))
    for won, brief, text, rater in _against(table, arm):
        residual, votes = won - won.mean(), len(won)
        both = _joined(brief, rater)
        shared.vote.total += float(residual @ residual)
        shared.vote.pairs += votes
        # Votes of one rater on one brief share more than is asked about: they are left out.
        for products, inside in ((shared.text, text), (shared.brief, brief)):
            products.add(residual, inside)
            products.add(residual, _joined(inside, rater), -1)
        shared.rater.add(residual, rater)
        shared.rater.add(residual, both, -1)
        shares = [float((np.bincount(g) ** 2).sum()) / votes for g in (brief, text, rater)]
        shared.in_mean += np.array([*shares, 1.0])
    if shared.vote.total <= 0:  # nobody voted, or all said the same
        return None
    shared.in_mean /= shared.vote.pairs
    shared.brief.total -= shared.text.total
    shared.brief.pairs -= shared.text.pairs
    return shared


def _lost(shared: _Shared, of_brief: float, of_text: float) -> float:
    """Return the variance of the means that were taken off: all products lack it alike."""
    by_brief, by_text, by_rater, by_vote = shared.in_mean
    of_rater = shared.rater.mean
    of_rest = shared.vote.mean - of_text - of_rater
    known = by_brief * of_brief + by_text * (of_text - of_brief)
    known += by_rater * of_rater + by_vote * of_rest
    return float(known / (1.0 - by_brief - by_rater + by_vote))


def _against(table: VoteTable, arm: str) -> Iterator[tuple[Floats, Ints, Ints, Ints]]:
    """Yield for every other arm: what ``arm`` won, the brief, the text and the rater."""
    first = table.first_time()
    first = first.where(first.choice != NEITHER)
    one = table.arms.index(arm)
    for other in range(len(table.arms)):
        low, high = min(one, other), max(one, other)
        mine = first.where(first.pair == low * len(table.arms) + high)
        if other == one or len(mine) < 2:
            continue
        score = np.where(mine.outcome == LEFT, 1.0, np.where(mine.outcome == TIE, 0.5, 0.0))
        text = mine.brief * table.draws + mine.draw
        yield score if one < other else 1.0 - score, mine.brief, text, mine.rater


def _joined(one: Ints, other: Ints) -> Ints:
    joined: Ints = np.unique(np.stack([one, other]), axis=1, return_inverse=True)[1].ravel()
    return joined
