"""The ballot box holds by itself: no vote twice, none of an unknown kind, none of nobody."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import delete

from fencun.errors import StoreError
from fencun.store.ballots import BallotRow, InvitationRow, PollRow, RaterRow, VoteRow
from fencun.store.database import ConflictError, Store
from fencun.store.schema import Base

POLL, RATER, BALLOT, OTHER = "p" * 32, "r" * 32, "b" * 32, "c" * 32


def ballot(identity: str, place: int) -> BallotRow:
    return BallotRow(
        id=identity, poll_id=POLL, rater_id=RATER, place=place, item=place, brief="t001",
        lines=[["称呼", "王老师"]], left_arm="bare", right_arm="tuned", left_text="甲",
        right_text="乙",
    )  # fmt: skip


def vote(**changes: Any) -> VoteRow:
    said = {"ballot_id": BALLOT, "attempt": 1, "id": "v1", "choice": "left"}
    return VoteRow(**{**said, "left_opinion": {"send": True}, "right_opinion": {}, **changes})


def keep(store: Store, make: Callable[[], Base]) -> None:
    """Keep a row, made where it is written: a write that meets another is tried twice."""
    store.write(lambda session: session.add(make()))


def polls(code: str = "code") -> PollRow:
    return PollRow(
        id=POLL, code=code, study="s", fingerprint="f" * 64, folder="/tmp/study", ballots=2
    )


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """A poll of one rater with two ballots."""
    with Store(database) as store:
        keep(store, polls)
        keep(store, lambda: RaterRow(id=RATER, poll_id=POLL, name="小王", key="k"))
        keep(store, lambda: ballot(BALLOT, 0))
        keep(store, lambda: ballot(OTHER, 1))
        yield store


def votes(store: Store) -> list[VoteRow]:
    return store.read(lambda session: session.query(VoteRow).order_by(VoteRow.attempt).all())


def test_a_seat_that_says_no_more_is_an_open_one_of_the_web(store: Store) -> None:
    rater = store.read(lambda session: session.get_one(RaterRow, RATER))
    assert (rater.source, rater.owner, rater.invitation, rater.apart) == ("web", "", "", False)
    assert rater.revoked_at is None


def test_a_vote_may_be_taken_back_once_and_said_again(store: Store) -> None:
    keep(store, vote)
    keep(store, lambda: vote(attempt=2, id="v2", choice="neither"))
    assert [(one.id, one.choice, one.left_opinion) for one in votes(store)] == [
        ("v1", "left", {"send": True}),
        ("v2", "neither", {"send": True}),
    ]


def test_a_vote_that_cannot_be_is_refused(store: Store) -> None:
    impossible: list[dict[str, Any]] = [{"choice": "both"}, {"attempt": 3}, {"ballot_id": "x" * 32}]
    for changes in impossible:
        with pytest.raises(StoreError):
            keep(store, lambda changes=changes: vote(**changes))
        assert votes(store) == [], changes


def test_neither_a_ballot_nor_a_press_of_the_button_counts_twice(store: Store) -> None:
    keep(store, vote)
    for changes in ({"id": "v2"}, {"ballot_id": OTHER}):
        with pytest.raises(ConflictError):
            keep(store, lambda changes=changes: vote(**changes))
    assert [one.id for one in votes(store)] == ["v1"]


def test_places_links_and_seats_are_one_of_a_kind(store: Store) -> None:
    def seat(key: str) -> RaterRow:
        return RaterRow(id="s" * 32, poll_id=POLL, name="小李", key=key)

    def invitation(identity: str) -> InvitationRow:
        return InvitationRow(id=identity, poll_id=POLL, code="c", name="小李")

    keep(store, lambda: invitation("i1"))
    for make in (lambda: ballot("d" * 32, 1), lambda: seat("k"), lambda: invitation("i2")):
        with pytest.raises(ConflictError):
            keep(store, make)


def test_what_belongs_to_a_poll_goes_with_it(store: Store) -> None:
    keep(store, vote)
    store.write(lambda session: session.execute(delete(PollRow)))
    for table in (RaterRow, BallotRow, VoteRow):
        assert store.read(lambda session, table=table: session.query(table).count()) == 0
