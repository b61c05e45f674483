"""Seats of a poll: a link for one person, revocable; and who looks like whom at the open link."""

import secrets
from dataclasses import dataclass
from hashlib import blake2b

from sqlalchemy import select
from sqlalchemy.orm import Session

from fencun.evaluate.collect import votes_of
from fencun.evaluate.polling import BallotError, UnknownBallotError
from fencun.evaluate.seats import SameSeat, seated
from fencun.names import tidy_name
from fencun.store.ballots import InvitationRow, PollRow, RaterRow
from fencun.store.schema import now
from fencun.store.writings import new_id


@dataclass(frozen=True, slots=True)
class Seat:
    """One invitation, and whether somebody took it."""

    invitation: InvitationRow
    taken: bool


def invite(session: Session, poll: PollRow, name: str) -> InvitationRow:
    """Make a link for one person called ``name``; the same name again gives the same link.

    Raises:
        BallotError: the poll is closed, or the name is empty.
    """
    name = tidy_name(name)
    if not name:
        raise BallotError("请写请的是谁。", "Say who is invited.")
    if poll.closed_at is not None:
        raise BallotError("投票已经结束了。", "This poll is closed.")
    held = select(InvitationRow).where(
        InvitationRow.poll_id == poll.id,
        InvitationRow.name == name,
        InvitationRow.revoked_at.is_(None),
    )
    if found := session.scalars(held).first():
        return found
    row = InvitationRow(id=new_id(), poll_id=poll.id, code=secrets.token_urlsafe(12), name=name)
    session.add(row)
    session.flush()
    return row


def seats(session: Session, poll: PollRow) -> list[Seat]:
    """Return the invitations of ``poll``, oldest first."""
    taken = set(session.scalars(select(RaterRow.invitation).where(RaterRow.poll_id == poll.id)))
    query = select(InvitationRow).where(InvitationRow.poll_id == poll.id)
    rows = session.scalars(query.order_by(InvitationRow.made_at, InvitationRow.name))
    return [Seat(row, row.id in taken) for row in rows]


def revoke(session: Session, poll: PollRow, name: str) -> int:
    """Take back the invitations of ``name``; return how many. Votes cast by them count no more.

    Raises:
        UnknownBallotError: there is none.
    """
    query = select(InvitationRow).where(
        InvitationRow.poll_id == poll.id,
        InvitationRow.name == name,
        InvitationRow.revoked_at.is_(None),
    )
    rows = session.scalars(query).all()
    if not rows:
        raise UnknownBallotError(
            f"没有给“{name[:40]}”的邀请。", f"There is no invitation for {name[:40]!r}."
        )
    for row in rows:
        row.revoked_at = now()
        seat = select(RaterRow).where(RaterRow.poll_id == poll.id, RaterRow.invitation == row.id)
        for rater in session.scalars(seat):
            rater.revoked_at = now()
    return len(rows)


def find_invitation(session: Session, poll: PollRow, code: str) -> InvitationRow:
    """Return the invitation of a link.

    Raises:
        UnknownBallotError: there is none, or it was revoked.
    """
    query = select(InvitationRow).where(
        InvitationRow.poll_id == poll.id,
        InvitationRow.code == code,
        InvitationRow.revoked_at.is_(None),
    )
    found = session.scalars(query).one_or_none()
    if found is None:
        raise UnknownBallotError(
            "这个邀请没有了，请再要一个链接。", "This invitation is gone; ask for a new link."
        )
    return found


def holder(session: Session, invitation: InvitationRow) -> RaterRow | None:
    """Return the rater who took the seat of ``invitation``, if anybody did."""
    query = select(RaterRow).where(RaterRow.invitation == invitation.id)
    return session.scalars(query).one_or_none()


def alike(session: Session, poll: PollRow) -> tuple[SameSeat, ...]:
    """Return the seats of ``poll`` that are counted once, as far as they have voted."""
    votes, _ = votes_of(session, poll.fingerprint)
    return seated(votes).groups


def set_apart(session: Session, poll: PollRow, rater: str) -> None:
    """Take the host's word that the seat ``rater`` is a person of its own.

    Raises:
        UnknownBallotError: there is no such seat in this poll.
    """
    row = session.get(RaterRow, rater)
    if row is None or row.poll_id != poll.id:
        raise UnknownBallotError("没有这位评审人。", "There is no such rater.")
    row.apart = True


def keyed(poll: PollRow, value: str) -> str:
    """Return a hash of ``value`` that only this poll's database could make; empty stays empty."""
    if not value:
        return ""
    return blake2b(value.encode(), key=poll.id.encode(), digest_size=8).hexdigest()
