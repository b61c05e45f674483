"""The ballot box on a real database: who may vote, how often, and what is kept."""

import pytest
from review_case import BOTH
from voting_case import ballots, cast, joined

from fencun.evaluate import polling, voting
from fencun.evaluate.collect import collect
from fencun.evaluate.polling import BallotError, ClosedError, UnknownBallotError
from fencun.evaluate.study import Study
from fencun.store.ballots import PollRow, VoteRow
from fencun.store.database import Store
from fencun.store.writings import new_id

pytestmark = BOTH


def test_a_vote_is_kept_once_however_often_it_is_sent(store: Store, poll: PollRow) -> None:
    rater = joined(store, poll)
    ballot = ballots(store, rater)[0].id
    press = new_id()
    for _ in range(3):
        cast(store, poll, rater, ballot, identity=press)
    assert store.read(lambda s: s.query(VoteRow).count()) == 1
    with pytest.raises(BallotError):
        cast(store, poll, rater, ballot, identity=press, choice="right")
    with pytest.raises(BallotError, match="已经投过"):
        cast(store, poll, rater, ballot)
    waiting, done, total = store.read(lambda s: voting.next_ballot(s, rater))
    assert (done, total) == (1, 20)
    assert waiting is not None
    assert waiting.place == 1


def test_a_vote_can_be_taken_back_once(store: Store, poll: PollRow, study: Study) -> None:
    rater = joined(store, poll)
    ballot = ballots(store, rater)[0].id

    def back() -> None:
        store.write(lambda s: voting.take_back(s, poll.code, rater.key, ballot))

    with pytest.raises(BallotError, match="还没有投"):
        back()
    press = new_id()
    cast(store, poll, rater, ballot, identity=press)
    assert collect(study, store) == 1
    back()
    back()  # the page sent it twice
    assert collect(study, store) == 0
    with pytest.raises(BallotError):
        cast(store, poll, rater, ballot, identity=press)  # a retry that came late
    cast(store, poll, rater, ballot, choice="neither")
    with pytest.raises(BallotError, match="一次"):
        back()
    assert collect(study, store) == 1
    assert study.votes()[0].choice == "neither"


def test_foreign_forged_and_late_votes_are_refused(
    store: Store, poll: PollRow, study: Study
) -> None:
    mine, other = joined(store, poll), joined(store, poll, "小李")
    theirs = ballots(store, other)[0].id
    for ballot in (theirs, new_id()):
        with pytest.raises(UnknownBallotError):
            cast(store, poll, mine, ballot)
    with pytest.raises(UnknownBallotError):
        store.read(lambda s: voting.find_rater(s, poll.code, ""))
    with pytest.raises(UnknownBallotError):
        store.read(lambda s: polling.find_poll(s, "nope"))
    assert store.write(lambda s: polling.close_poll(s, study.registration.fingerprint)) == 1
    with pytest.raises(ClosedError):
        cast(store, poll, mine, ballots(store, mine)[0].id)
    with pytest.raises(ClosedError):
        joined(store, poll, "晚来的")
    assert store.read(lambda s: s.query(VoteRow).count()) == 0
