"""Votes as columns of numbers: what every statistic is computed from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fencun.evaluate.records import Vote

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

LEFT, RIGHT, TIE, NEITHER = range(4)
UNSAID, NO, YES = -1, 0, 1
_CODES = {"left": LEFT, "right": RIGHT, "tie": TIE, "neither": NEITHER}


def _none() -> Ints:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Settled:
    """Pairs of answers that nobody needs to judge: equal texts tie, a missing one loses.

    Columns of length m: ``brief`` and the arms ``low`` < ``high`` as indices into the table;
    ``outcome`` is LEFT where ``low`` wins, RIGHT where ``high`` does, TIE for a tie.
    ``missing``, (arms, briefs), is how many texts an arm owes a brief.
    """

    brief: Ints = field(default_factory=_none)
    low: Ints = field(default_factory=_none)
    high: Ints = field(default_factory=_none)
    outcome: Ints = field(default_factory=_none)
    missing: Ints = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))


Texts = Sequence[Sequence[Sequence[str | None]]]  # arm, brief, draw


def settle_pairs(texts: Texts) -> Settled:
    """Return what is settled between ``texts``: those of the same draw are held together."""
    rows = [
        (brief, low, high, TIE if one == other else LEFT if one else RIGHT)
        for low in range(len(texts))
        for high in range(low + 1, len(texts))
        for brief, (ones, others) in enumerate(zip(texts[low], texts[high], strict=True))
        for one, other in zip(ones, others, strict=True)
        if one == other or not (one and other)
    ]
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    brief, low, high, outcome = (np.array(column, dtype=np.int64) for column in columns)
    owed = [[sum(not text for text in drawn) for drawn in arm] for arm in texts]
    return Settled(brief, low, high, outcome, np.array(owed, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class VoteTable:
    """``n`` votes as columns of length n; ids are indices into ``arms``, ``raters``, ``briefs``.

    ``choice`` holds LEFT, RIGHT, TIE or NEITHER; ``send`` is (n, 2), left then right, and
    holds YES, NO or UNSAID. ``settled`` are the pairs that are known without any vote.
    ``earlier`` is the index of the vote that a repeat asks again, else -1; repeats count
    for self-agreement only. ``seconds`` is NaN where nobody measured. Every arm wrote
    ``draws`` texts for a brief; ``draw`` says which of them were shown, from 0.
    """

    arms: tuple[str, ...]
    raters: tuple[str, ...]
    briefs: tuple[str, ...]
    rater: Ints
    brief: Ints
    left: Ints
    right: Ints
    choice: Ints
    send: Ints
    earlier: Ints
    seconds: Floats
    draw: Ints
    draws: int = 1
    settled: Settled = field(default_factory=Settled)

    def __len__(self) -> int:
        return len(self.choice)

    def where(self, mask: Bools) -> "VoteTable":
        """Return the rows of ``mask`` (n booleans); links to votes outside it are cut."""
        position = np.cumsum(mask) - 1
        kept = self.earlier[mask]
        linked = (kept >= 0) & mask[np.maximum(kept, 0)]
        return replace(
            self,
            rater=self.rater[mask],
            brief=self.brief[mask],
            left=self.left[mask],
            right=self.right[mask],
            choice=self.choice[mask],
            send=self.send[mask],
            earlier=np.where(linked, position[np.maximum(kept, 0)], -1),
            seconds=self.seconds[mask],
            draw=self.draw[mask],
        )

    def first(self, count: int) -> "VoteTable":
        """Return the rows up to and with the ``count``-th vote that repeats nothing."""
        counted = np.cumsum(self.earlier < 0)
        return self.where((counted < count) | ((counted == count) & (self.earlier < 0)))

    def first_time(self) -> "VoteTable":
        """Return the votes that repeat nothing: those that count."""
        return self.where(self.earlier < 0)

    @property
    def outcome(self) -> Ints:
        """Choice seen from the arm with the lower index: LEFT where that arm won. Shape (n,)."""
        swapped = self.left > self.right
        flipped = np.where(self.choice == LEFT, RIGHT, LEFT)
        return np.where(swapped & (self.choice < TIE), flipped, self.choice)

    @property
    def pair(self) -> Ints:
        """Index of the pair of arms, whichever stood left: low * K + high. Shape (n,)."""
        low, high = np.minimum(self.left, self.right), np.maximum(self.left, self.right)
        return low * len(self.arms) + high


Place = Callable[[Vote], int]


def tabulate(
    votes: Sequence[Vote],
    arms: Sequence[str],
    briefs: Sequence[str] = (),
    settled: Settled | None = None,
    *,
    draws: int = 1,
    draw: Place = lambda _vote: 0,
) -> VoteTable:
    """Return ``votes`` as a table over ``arms``; votes about other arms are left out.

    ``briefs`` are those of the study, in the order that ``settled`` counts them by; without
    them, those voted on. ``draw`` says which of the ``draws`` texts of each arm a vote is on.
    """
    votes = [vote for vote in votes if vote.left in arms and vote.right in arms]
    raters = tuple(sorted({vote.rater for vote in votes}))
    briefs = tuple(briefs) or tuple(sorted({vote.brief for vote in votes}))
    at = {vote.id: index for index, vote in enumerate(votes)}

    def column(names: Sequence[str], of: Sequence[str]) -> Ints:
        index: Mapping[str, int] = {name: number for number, name in enumerate(names)}
        return np.array([index[name] for name in of], dtype=np.int64)

    said = [(vote.left_opinion.send, vote.right_opinion.send) for vote in votes]
    return VoteTable(
        arms=tuple(arms),
        raters=raters,
        briefs=briefs,
        rater=column(raters, [vote.rater for vote in votes]),
        brief=column(briefs, [vote.brief for vote in votes]),
        left=column(arms, [vote.left for vote in votes]),
        right=column(arms, [vote.right for vote in votes]),
        choice=np.array([_CODES[vote.choice] for vote in votes], dtype=np.int64),
        send=np.array(
            [[UNSAID if one is None else int(one) for one in both] for both in said],
            dtype=np.int64,
        ).reshape(len(votes), 2),
        earlier=np.array([at.get(vote.repeat_of or "", -1) for vote in votes], dtype=np.int64),
        seconds=np.array(
            [np.nan if vote.seconds is None else vote.seconds for vote in votes], dtype=np.float64
        ),
        draw=np.array([draw(vote) for vote in votes], dtype=np.int64),
        draws=draws,
        settled=settled or Settled(),
    )
