"""Votes out of the ballot box and into the study's folder, where the verdict finds them."""

import os
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fencun.evaluate.records import Vote
from fencun.evaluate.study import Study, ordered
from fencun.files import sha256_json
from fencun.home import home
from fencun.store.ballots import BallotRow, PollRow, RaterRow, VoteRow
from fencun.store.database import Store

T = TypeVar("T")


def votes_of(session: Session, fingerprint: str) -> tuple[list[Vote], set[str]]:
    """Return the votes that stand for a study, and the ids of all its ballots, cast or not."""
    polls = select(PollRow.id).where(PollRow.fingerprint == fingerprint)
    query = (
        select(BallotRow, RaterRow, VoteRow)
        .join(RaterRow, RaterRow.id == BallotRow.rater_id)
        .join(VoteRow, VoteRow.ballot_id == BallotRow.id)
        .where(BallotRow.poll_id.in_(polls), VoteRow.withdrawn_at.is_(None))
        .where(RaterRow.revoked_at.is_(None))
    )
    votes = [_vote(ballot, rater, row) for ballot, rater, row in session.execute(query)]
    handed = set(session.scalars(select(BallotRow.id).where(BallotRow.poll_id.in_(polls))))
    return votes, handed


def votes_by_brief(session: Session, fingerprint: str) -> Counter[str]:
    """Return how many votes stand for each brief of a study, by its id."""
    query = (
        select(BallotRow.brief, func.count())
        .join(VoteRow, VoteRow.ballot_id == BallotRow.id)
        .join(PollRow, PollRow.id == BallotRow.poll_id)
        .where(PollRow.fingerprint == fingerprint, VoteRow.withdrawn_at.is_(None))
        .group_by(BallotRow.brief)
    )
    return Counter({row[0]: row[1] for row in session.execute(query)})


def _vote(ballot: BallotRow, rater: RaterRow, row: VoteRow) -> Vote:
    return Vote.model_validate(
        {
            "id": ballot.id,
            "rater": rater.id,
            "name": rater.name,
            "brief": ballot.brief,
            "left": ballot.left_arm,
            "right": ballot.right_arm,
            "left_hash": sha256_json({"brief": ballot.brief, "text": ballot.left_text}),
            "right_hash": sha256_json({"brief": ballot.brief, "text": ballot.right_text}),
            "choice": row.choice,
            "left_opinion": row.left_opinion,
            "right_opinion": row.right_opinion,
            "repeat_of": ballot.repeat_of,
            "seconds": row.seconds,
            "at": row.at.isoformat(timespec="seconds"),
            "source": rater.source,
            "invited": bool(rater.invitation or rater.owner),
            "browser": rater.browser,
            "address": rater.address,
            "apart": rater.apart,
        }
    )


def collect(study: Study, store: Store | None = None) -> int:
    """Freeze the box's votes into ``study`` beside those that came with it; return how many.

    A vote of the box replaces the frozen one of its id, and one taken back removes it.
    Nothing is touched where the box says nothing new.
    """
    kept = ordered(study.votes())
    merged = with_store(lambda session: standing(session, study), store)
    if merged is None:
        return len(kept)
    if merged != kept:
        study.freeze_votes(merged)
    return len(merged)


def standing(session: Session, study: Study) -> list[Vote]:
    """Return the votes that count now: those of the box, and those that came with the study."""
    votes, handed = votes_of(session, study.registration.fingerprint)
    return ordered([vote for vote in study.votes() if vote.id not in handed] + votes)


def with_store(work: Callable[[Session], T], store: Store | None = None) -> T | None:
    """Read from ``store``, or from the configured database if there is one yet; else None."""
    if store is not None:
        return store.read(work)
    if not os.environ.get("FENCUN_DATABASE_URL") and not (home() / "fencun.db").exists():
        return None
    with Store() as opened:
        return opened.read(work)
