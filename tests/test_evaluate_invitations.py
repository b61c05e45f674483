"""Seats of a poll: a link for one person, and who looks like whom at the open one."""

import pytest
from review_case import BOTH
from voting_case import ballots, cast

from fencun.evaluate import invitations, joining
from fencun.evaluate.collect import collect
from fencun.evaluate.polling import BallotError, UnknownBallotError
from fencun.evaluate.study import Study
from fencun.evaluate.verdict import judge
from fencun.store.ballots import PollRow
from fencun.store.database import Store
from fencun.store.writings import new_id

pytestmark = BOTH


def test_an_invitation_is_one_seat_and_can_be_revoked(
    store: Store, poll: PollRow, study: Study
) -> None:
    first = store.write(lambda s: invitations.invite(s, poll, " 老周 "))
    assert store.write(lambda s: invitations.invite(s, poll, "老周")).code == first.code
    rater = store.write(lambda s: joining.join(s, poll.code, "老周", invitation=first.id))
    assert [seat.taken for seat in store.read(lambda s: invitations.seats(s, poll))] == [True]
    cast(store, poll, rater, ballots(store, rater)[0].id)
    assert collect(study, store) == 1
    assert study.votes()[0].invited
    assert store.write(lambda s: invitations.revoke(s, poll, "老周")) == 1
    assert collect(study, store) == 0
    with pytest.raises(UnknownBallotError):
        cast(store, poll, rater, ballots(store, rater)[1].id)
    with pytest.raises(UnknownBallotError, match="邀请没有了"):
        store.read(lambda s: invitations.find_invitation(s, poll, first.code))
    with pytest.raises(UnknownBallotError, match="没有给"):
        store.write(lambda s: invitations.revoke(s, poll, "老周"))
    with pytest.raises(BallotError, match="请的是谁"):
        store.write(lambda s: invitations.invite(s, poll, " "))


def test_one_browser_twice_is_counted_once_unless_the_host_says_otherwise(
    store: Store, poll: PollRow, study: Study
) -> None:
    browser = invitations.keyed(poll, "one")
    seats = [
        store.write(lambda s, name=name: joining.join(s, poll.code, name, browser=browser))  # type: ignore[misc]
        for name in ("张三", "李四")
    ]
    for rater in seats:
        cast(store, poll, rater, ballots(store, rater)[0].id)
    assert collect(study, store) == 2
    assert len(judge(study).votes) == 1
    (group,) = store.read(lambda s: invitations.alike(s, poll))
    assert (set(group.names), group.shared) == ({"张三", "李四"}, ("browser",))
    store.write(lambda s: invitations.set_apart(s, poll, group.others[0]))
    assert store.read(lambda s: invitations.alike(s, poll)) == ()
    collect(study, store)
    assert len(judge(study).votes) == 2
    with pytest.raises(UnknownBallotError):
        store.write(lambda s: invitations.set_apart(s, poll, new_id()))


def test_one_person_who_joins_six_times_under_one_name_is_one_rater(
    store: Store, poll: PollRow, study: Study
) -> None:
    for _ in range(6):
        rater = store.write(lambda s: joining.join(s, poll.code, "张三"))
        for ballot in ballots(store, rater):
            choice = "left" if ballot.left_arm == "tuned" else "right"
            cast(store, poll, rater, ballot.id, choice=choice)
    assert collect(study, store) == 120
    judged = judge(study)
    assert {vote.name for vote in judged.votes} == {"张三"}
    assert (judged.facts.raters, judged.done.cast) == (1, 16)  # four of twenty ask again
    assert judged.ruling.decision == "evidence"
    (group,) = judged.seats.groups
    assert (len(group.others), group.votes, group.shared) == (5, 100, ("name",))


def test_keyed_hashes_tell_nothing_and_differ_between_polls(poll: PollRow) -> None:
    found = invitations.keyed(poll, "192.168.1.9")
    assert found == invitations.keyed(poll, "192.168.1.9")
    assert "192" not in found
    assert found != invitations.keyed(PollRow(id=new_id()), "192.168.1.9")
    assert invitations.keyed(poll, "") == ""
