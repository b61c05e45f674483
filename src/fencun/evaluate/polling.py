"""Polls, as functions of a session: opened, found, counted, closed."""

import secrets
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fencun.errors import FencunError
from fencun.evaluate.records import BALLOTS
from fencun.evaluate.study import Study
from fencun.extras import need
from fencun.store.ballots import BallotRow, PollRow, RaterRow, VoteRow
from fencun.store.locks import one_at_a_time
from fencun.store.schema import now
from fencun.store.writings import new_id


class BallotError(FencunError):
    """A vote or a rater that cannot be taken: unknown, foreign, late, or already cast."""

    code = "ballot"
    status = 409


class UnknownBallotError(BallotError):
    """No such poll, rater or ballot, or not this rater's: which of these is not told."""

    code = "not_found"
    status = 404


class ClosedError(BallotError):
    """The poll was closed."""

    code = "closed"
    status = 410


def open_poll(session: Session, study: Study, *, ballots: int = BALLOTS) -> PollRow:
    """Open the ballot box for ``study``; an open one is returned as it is.

    Raises:
        FencunError: the study is unfinished or was changed, or has nothing to ask.
    """
    need("evaluate")
    from fencun.evaluate.questions import question_set

    fingerprint = study.registration.fingerprint
    one_at_a_time(session, f"poll of {fingerprint}")
    asked = question_set(str(study.folder.resolve()), fingerprint)
    if not len(asked.questions):
        raise FencunError(
            "没有两组答得不同的需求，没什么可投的。",
            "No brief has two answers that differ.",
        )
    if found := poll_of(session, fingerprint):
        return found
    poll = PollRow(
        id=new_id(),
        code=secrets.token_urlsafe(12),
        study=study.name,
        fingerprint=fingerprint,
        folder=str(study.folder.resolve()),
        ballots=ballots,
    )
    session.add(poll)
    session.flush()
    return poll


def poll_of(session: Session, fingerprint: str) -> PollRow | None:
    """Return the open poll of the study with ``fingerprint``, if there is one."""
    query = select(PollRow).where(PollRow.fingerprint == fingerprint, PollRow.closed_at.is_(None))
    return session.scalars(query).first()


def close_poll(session: Session, fingerprint: str) -> int:
    """Close every open poll of the study with ``fingerprint``; return how many. Votes stay."""
    rows = session.scalars(
        select(PollRow)
        .where(PollRow.fingerprint == fingerprint, PollRow.closed_at.is_(None))
        .with_for_update()
    ).all()
    for poll in rows:
        poll.closed_at = now()
    return len(rows)


def find_poll(session: Session, code: str, *, held: bool = False) -> PollRow:
    """Return the poll of a link; ``held`` keeps others from changing it until this is committed.

    Raises:
        UnknownBallotError: there is none.
    """
    query = select(PollRow).where(PollRow.code == code)
    if held:
        query = query.with_for_update().execution_options(populate_existing=True)
    poll = session.scalars(query).one_or_none()
    if poll is None:
        raise UnknownBallotError(
            "没有这个投票，请核对链接。", "There is no such poll; check the link."
        )
    return poll


@dataclass(frozen=True, slots=True)
class Turnout:
    """How a poll goes: who came, how many votes stand, how many ballots were handed out."""

    poll: PollRow
    raters: int
    votes: int
    ballots: int

    @property
    def is_open(self) -> bool:
        """Whether votes are still taken."""
        return self.poll.closed_at is None


def turnouts(session: Session) -> list[Turnout]:
    """Return all polls, newest first."""
    found = []
    for poll in session.scalars(select(PollRow).order_by(PollRow.opened_at.desc())):
        of_poll = BallotRow.poll_id == poll.id
        votes = (
            select(func.count())
            .select_from(VoteRow)
            .join(BallotRow, BallotRow.id == VoteRow.ballot_id)
            .where(of_poll, VoteRow.withdrawn_at.is_(None))
        )
        raters = select(func.count()).where(RaterRow.poll_id == poll.id)
        ballots = select(func.count()).where(of_poll)
        found.append(Turnout(poll, *(session.scalar(q) or 0 for q in (raters, votes, ballots))))
    return found


def must_be_open(poll: PollRow) -> None:
    """Raise :class:`ClosedError` where the poll takes no more votes."""
    if poll.closed_at is not None:
        raise ClosedError("投票已经结束了，谢谢您来。", "This poll is closed. Thank you.")
