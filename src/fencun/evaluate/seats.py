"""One person, one seat: what looks like the same person at the open link is counted once.

An invitation is one seat, and so is a set of paper ballots: the host knew whom they gave it to.
At the open link anybody may join again; seats that share a browser, an address or a name are
taken for one person unless the host says otherwise. Of such seats the first to vote counts.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fencun.evaluate.records import Vote

Sign = Literal["browser", "address", "name"]


@dataclass(frozen=True, slots=True)
class SameSeat:
    """Seats counted once: the rater ``kept``, ``others`` set aside, and what they share."""

    kept: str
    others: tuple[str, ...]
    shared: tuple[Sign, ...]
    names: tuple[str, ...]
    votes: int


@dataclass(frozen=True, slots=True)
class Seats:
    """The votes that count, in their order, and the groups of seats of which only one does."""

    counted: tuple[Vote, ...]
    groups: tuple[SameSeat, ...]


def seated(votes: Sequence[Vote]) -> Seats:
    """Part ``votes`` by seats: of each group that looks like one person, one seat counts."""
    first: dict[str, Vote] = {}
    for vote in sorted(votes, key=lambda vote: (vote.at, vote.id)):
        first.setdefault(vote.rater, vote)
    groups = [_same_seat(group, first, votes) for group in _groups(first)]
    gone = {rater for group in groups for rater in group.others}
    return Seats(tuple(vote for vote in votes if vote.rater not in gone), tuple(groups))


def signs(vote: Vote) -> dict[Sign, str]:
    """Return what a seat may share with another; empty ones left out."""
    found: dict[Sign, str] = {
        "browser": vote.browser,
        "address": vote.address,
        "name": "".join(vote.name.split()).casefold(),
    }
    return {sign: value for sign, value in found.items() if value}


def _own_seat(vote: Vote) -> bool:
    return vote.invited or vote.apart or vote.source == "paper"


def _groups(first: dict[str, Vote]) -> list[list[str]]:
    """Return groups of two or more seats; one that the host gave out stands first, alone or not."""
    leader: dict[str, str] = {}
    by_sign: dict[tuple[Sign, str], str] = {}

    def find(rater: str) -> str:
        while leader[rater] != rater:
            rater = leader[rater]
        return rater

    own = [rater for rater, vote in first.items() if _own_seat(vote) and not vote.apart]
    open_seats = [rater for rater, vote in first.items() if not _own_seat(vote)]
    for rater in [*own, *open_seats]:
        leader[rater] = rater
        for key in signs(first[rater]).items():
            other = by_sign.setdefault(key, rater)
            one, two = find(other), find(rater)
            # Two seats that the host gave out are two people, whatever they share, and
            # whoever shares something with both.
            if one != two and not (one in own and two in own):
                leader[max(one, two, key=lambda r: _order(r, own, first))] = min(
                    one, two, key=lambda r: _order(r, own, first)
                )
    members: dict[str, list[str]] = {}
    for rater in leader:
        members.setdefault(find(rater), []).append(rater)
    return [[head, *(r for r in all_ if r != head)] for head, all_ in members.items() if all_[1:]]


def _order(rater: str, own: Sequence[str], first: dict[str, Vote]) -> tuple[bool, str, str]:
    return rater not in own, first[rater].at, rater


def _same_seat(group: list[str], first: dict[str, Vote], votes: Sequence[Vote]) -> SameSeat:
    told = Counter(key for rater in group for key in signs(first[rater]).items())
    signs_of: tuple[Sign, ...] = ("browser", "address", "name")
    shared = tuple(
        sign for sign in signs_of if any(n > 1 for (kind, _), n in told.items() if kind == sign)
    )
    others = tuple(group[1:])
    return SameSeat(
        group[0],
        others,
        shared,
        tuple(first[rater].name for rater in group),
        sum(vote.rater in others for vote in votes),
    )
