"""Votes out of the ballot box and into the folder of the study."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from review_case import BOTH
from voting_case import ballots, cast, joined

from fencun.evaluate import polling
from fencun.evaluate.collect import collect
from fencun.evaluate.records import Opinion
from fencun.evaluate.study import Study
from fencun.store.ballots import PollRow, VoteRow
from fencun.store.database import Store
from fencun.store.writings import new_id


@BOTH
def test_collected_votes_carry_arms_and_hashes(store: Store, poll: PollRow, study: Study) -> None:
    rater = joined(store, poll)
    for ballot in ballots(store, rater):
        cast(store, poll, rater, ballot.id, left=Opinion(reasons=("cliche",)))
    assert collect(study, store) == 20
    answers = study.by_arm()
    for vote in study.votes():
        assert vote.left_hash == answers[vote.left][vote.brief].hash
        assert vote.left_opinion.reasons == ("cliche",)
    before = (study.folder / "votes.jsonl").read_bytes()
    collect(study, store)
    assert (study.folder / "votes.jsonl").read_bytes() == before


@pytest.mark.slow
def test_two_hundred_people_voting_at_once_lose_no_vote_and_make_none_twice(
    tmp_path: Path, study: Study
) -> None:
    """Each of 200 raters casts 10 ballots; every fifth vote is sent again, its answer lost."""
    with Store(f"sqlite:///{tmp_path / 'many.db'}") as store:
        poll = store.write(lambda s: polling.open_poll(s, study, ballots=10))

        def rate(number: int) -> None:
            rater = joined(store, poll, f"评审{number}")
            for place, ballot in enumerate(ballots(store, rater)):
                press = new_id()
                for _ in range(2 if place % 5 == number % 5 else 1):
                    cast(store, poll, rater, ballot.id, identity=press)

        with ThreadPoolExecutor(200) as people:
            list(people.map(rate, range(200)))
        assert store.read(lambda s: s.query(VoteRow).count()) == 2_000
        assert store.read(lambda s: s.query(VoteRow.ballot_id).distinct().count()) == 2_000
        assert collect(study, store) == 2_000
        assert len({vote.id for vote in study.votes()}) == 2_000
