"""Votes as columns of numbers: what every statistic is computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fencun.evaluate.records import Vote

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

LEFT, RIGHT, TIE, NEITHER = range(4)
_CODES = {"left": LEFT, "right": RIGHT, "tie": TIE, "neither": NEITHER}


@dataclass(frozen=True, slots=True)
class VoteTable:
    """``n`` votes as columns of length n; ids are indices into ``arms``, ``raters``, ``briefs``.

    ``choice`` holds LEFT, RIGHT, TIE or NEITHER; ``send`` is (n, 2), left then right.
    ``earlier`` is the index of the vote that a repeat asks again, else -1; repeats count
    for self-agreement only. ``seconds`` is NaN where nobody measured.
    """

    arms: tuple[str, ...]
    raters: tuple[str, ...]
    briefs: tuple[str, ...]
    rater: Ints
    brief: Ints
    left: Ints
    right: Ints
    choice: Ints
    send: Bools
    earlier: Ints
    seconds: Floats

    def __len__(self) -> int:
        return len(self.choice)

    def where(self, mask: Bools) -> "VoteTable":
        """Return the rows of ``mask`` (n booleans); links to votes outside it are cut."""
        position = np.cumsum(mask) - 1
        kept = self.earlier[mask]
        linked = (kept >= 0) & mask[np.maximum(kept, 0)]
        return VoteTable(
            self.arms,
            self.raters,
            self.briefs,
            self.rater[mask],
            self.brief[mask],
            self.left[mask],
            self.right[mask],
            self.choice[mask],
            self.send[mask],
            np.where(linked, position[np.maximum(kept, 0)], -1),
            self.seconds[mask],
        )

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


def tabulate(votes: Sequence[Vote], arms: Sequence[str]) -> VoteTable:
    """Return ``votes`` as a table over ``arms``; votes about other arms are left out."""
    votes = [vote for vote in votes if vote.left in arms and vote.right in arms]
    raters = tuple(sorted({vote.rater for vote in votes}))
    briefs = tuple(sorted({vote.brief for vote in votes}))
    at = {vote.id: index for index, vote in enumerate(votes)}

    def column(names: Sequence[str], of: Sequence[str]) -> Ints:
        index: Mapping[str, int] = {name: number for number, name in enumerate(names)}
        return np.array([index[name] for name in of], dtype=np.int64)

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
            [(vote.left_opinion.send, vote.right_opinion.send) for vote in votes], dtype=np.bool_
        ).reshape(len(votes), 2),
        earlier=np.array([at.get(vote.repeat_of or "", -1) for vote in votes], dtype=np.int64),
        seconds=np.array(
            [np.nan if vote.seconds is None else vote.seconds for vote in votes], dtype=np.float64
        ),
    )
