"""The ballot box, as functions of a session: open, join, show, vote, take back, close."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import Session

from fencun.errors import FencunError
from fencun.evaluate.records import BALLOTS, Choice, Opinion, Source
from fencun.evaluate.study import Study
from fencun.extras import need
from fencun.names import tidy_name
from fencun.store.ballots import BallotRow, PollRow, RaterRow, VoteRow
from fencun.store.schema import now
from fencun.store.writings import new_id

if TYPE_CHECKING:
    from fencun.evaluate.questions import QuestionSet


# Built once: a vote is a dozen small questions to the database, and 200 people may ask at once.
_STANDS = and_(VoteRow.ballot_id == BallotRow.id, VoteRow.withdrawn_at.is_(None))
_CAST = exists().where(_STANDS)
_OWN = BallotRow.rater_id == bindparam("rater")
_SEAT = (
    select(RaterRow, PollRow)
    .join(PollRow, PollRow.id == RaterRow.poll_id)
    .where(
        PollRow.code == bindparam("code"),
        RaterRow.key == bindparam("key"),
        RaterRow.revoked_at.is_(None),
    )
)
_PAPER = (
    select(BallotRow, VoteRow)
    .outerjoin(VoteRow, VoteRow.ballot_id == BallotRow.id)
    .where(BallotRow.id == bindparam("ballot"), _OWN)
    .order_by(VoteRow.attempt)
)
_WAITING = select(BallotRow).where(_OWN, ~_CAST).order_by(BallotRow.place).limit(1)
_PROGRESS = (
    select(func.count(VoteRow.ballot_id), func.count(BallotRow.id))
    .select_from(BallotRow)
    .outerjoin(VoteRow, _STANDS)
    .where(_OWN)
)
_LAST = (
    select(BallotRow.id)
    .join(VoteRow, _STANDS)
    .where(_OWN, VoteRow.attempt == 1)
    .order_by(BallotRow.place.desc())  # as they were shown: a clock may be set back
    .limit(1)
)


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
        select(PollRow).where(PollRow.fingerprint == fingerprint, PollRow.closed_at.is_(None))
    ).all()
    for poll in rows:
        poll.closed_at = now()
    return len(rows)


def find_poll(session: Session, code: str) -> PollRow:
    """Return the poll of a link.

    Raises:
        UnknownBallotError: there is none.
    """
    poll = session.scalars(select(PollRow).where(PollRow.code == code)).one_or_none()
    if poll is None:
        raise UnknownBallotError(
            "没有这个投票，请核对链接。", "There is no such poll; check the link."
        )
    return poll


def join(
    session: Session,
    code: str,
    name: str,
    *,
    source: Source = "web",
    owner: str = "",
    invitation: str = "",
    browser: str = "",
    address: str = "",
) -> RaterRow:
    """Add a rater called ``name`` and draw the set of ballots for them.

    ``owner`` is whom the place belongs to, where that is known: they have one in a poll.
    ``invitation`` is the id of the invitation whose seat this is; ``browser`` and ``address``
    are what an open seat is known again by (invitations.py).

    Raises:
        BallotError: the poll is closed or unknown, or the name is empty.
    """
    poll = find_poll(session, code)
    _must_be_open(poll)
    if owner and (found := _place_of(session, poll.id, owner)):
        return found
    name = tidy_name(name)
    if not name:
        raise BallotError("写个名字吧，绰号也行。", "Please give a name; a nickname will do.")
    rater = RaterRow(
        id=new_id(),
        poll_id=poll.id,
        name=name,
        key=secrets.token_urlsafe(24),
        source=source,
        owner=owner,
        invitation=invitation,
        browser=browser,
        address=address,
    )
    session.add(rater)
    session.flush()
    session.add_all(_drawn(session, poll, rater))
    session.flush()
    return rater


def _drawn(session: Session, poll: PollRow, rater: RaterRow) -> list[BallotRow]:
    import numpy as np

    from fencun.evaluate.draw import draw
    from fencun.evaluate.questions import question_set

    asked = question_set(poll.folder, poll.fingerprint)
    seen = np.zeros(len(asked.questions), dtype=np.int64)
    counted = (
        select(BallotRow.item, func.count())
        .where(BallotRow.poll_id == poll.id, BallotRow.repeat_of.is_(None))
        .group_by(BallotRow.item)
    )
    for item, count in session.execute(counted):
        seen[item] = count
    random = np.random.default_rng(secrets.randbits(128))
    drawn = draw(asked.questions, seen, ballots=poll.ballots, random=random)
    ids = [new_id() for _ in drawn]
    return [
        _ballot(asked, poll, rater, ids, place, one.item, one.swapped, one.repeats)
        for place, one in enumerate(drawn)
    ]


def _ballot(
    asked: "QuestionSet",
    poll: PollRow,
    rater: RaterRow,
    ids: list[str],
    place: int,
    item: int,
    swapped: bool,
    repeats: int | None,
) -> BallotRow:
    number = int(asked.questions.brief[item])
    arms = [asked.arms[int(asked.questions.low[item])], asked.arms[int(asked.questions.high[item])]]
    left, right = arms[::-1] if swapped else arms
    brief = asked.briefs[number]
    return BallotRow(
        id=ids[place],
        poll_id=poll.id,
        rater_id=rater.id,
        place=place,
        item=item,
        brief=brief,
        lines=[list(line) for line in asked.lines[number]],
        left_arm=left,
        right_arm=right,
        left_text=asked.texts[left, brief],
        right_text=asked.texts[right, brief],
        repeat_of=None if repeats is None else ids[repeats],
    )


def key_of(session: Session, code: str, owner: str) -> str:
    """Return the secret of the place that belongs to ``owner``; empty where they have none."""
    found = _place_of(session, find_poll(session, code).id, owner)
    return found.key if found else ""


def _place_of(session: Session, poll: str, owner: str) -> RaterRow | None:
    query = select(RaterRow).where(RaterRow.poll_id == poll, RaterRow.owner == owner)
    return session.scalars(query.order_by(RaterRow.joined_at)).first()


def find_rater(session: Session, code: str, key: str) -> RaterRow:
    """Return the rater with the secret ``key`` in the poll of ``code``.

    Raises:
        UnknownBallotError: there is none.
    """
    return _seat(session, code, key)[0]


def _seat(session: Session, code: str, key: str) -> tuple[RaterRow, PollRow]:
    found = session.execute(_SEAT, {"code": code, "key": key}).one_or_none() if key else None
    if found is None:
        raise _unknown()
    return found[0], found[1]


def next_ballot(session: Session, rater: RaterRow) -> tuple[BallotRow | None, int, int]:
    """Return the first ballot without a vote (None: all cast), how many are cast, and all."""
    own = {"rater": rater.id}
    done, total = session.execute(_PROGRESS, own).one()
    return session.scalars(_WAITING, own).one_or_none(), done, total


def waits_for(session: Session, fingerprint: str, keys: Collection[str], owner: str = "") -> bool:
    """Whether a rater with one of these secret ``keys``, or of ``owner``, still has to vote."""
    mine = or_(RaterRow.key.in_(keys), and_(RaterRow.owner == owner, RaterRow.owner != ""))
    query = (
        select(BallotRow.id)
        .join(RaterRow, RaterRow.id == BallotRow.rater_id)
        .join(PollRow, PollRow.id == BallotRow.poll_id)
        .where(mine, PollRow.fingerprint == fingerprint)
        .where(PollRow.closed_at.is_(None), ~_CAST)
        .limit(1)
    )
    return session.scalar(query) is not None


def last_cast(session: Session, rater: RaterRow) -> str | None:
    """Return the ballot that the rater cast last and may still take back, if there is one."""
    return session.scalars(_LAST, {"rater": rater.id}).one_or_none()


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


def vote(
    session: Session,
    code: str,
    key: str,
    ballot_id: str,
    *,
    identity: str,
    choice: Choice,
    left: Opinion,
    right: Opinion,
    seconds: float | None,
) -> VoteRow:
    """Cast a ballot. The same press sent twice (``identity``) is one vote.

    Raises:
        UnknownBallotError: no such ballot, or another rater's.
        ClosedError: the poll was closed before this vote came.
        BallotError: the ballot is cast already, or was taken back once before.
    """
    poll, ballot, rows = _own(session, code, key, ballot_id)
    for row in rows:
        if row.id == identity:
            return _again(row, choice, left, right)
    _must_be_open(poll)
    if session.scalar(select(VoteRow.ballot_id).where(VoteRow.id == identity)):
        raise BallotError("这次提交的编号用在别的票上了。", "This id is another vote's.")
    if rows and rows[-1].withdrawn_at is None:
        raise BallotError("这一票已经投过了。", "This ballot has been cast already.")
    if len(rows) >= 2:
        raise BallotError("这一票已经改过一次了。", "This ballot was changed once already.")
    cast = VoteRow(
        ballot_id=ballot.id,
        attempt=len(rows) + 1,
        id=identity,
        choice=choice,
        left_opinion=left.model_dump(mode="json"),
        right_opinion=right.model_dump(mode="json"),
        seconds=seconds,
    )
    session.add(cast)
    session.flush()
    return cast


def take_back(session: Session, code: str, key: str, ballot_id: str) -> None:
    """Take a vote back, once, so that it can be cast again; taking back twice is one.

    Raises:
        BallotError: as :func:`vote`; also when there is no vote, or it is the second already.
    """
    poll, _, rows = _own(session, code, key, ballot_id)
    _must_be_open(poll)
    if not rows:
        raise BallotError("这一票还没有投。", "This ballot has not been cast.")
    if rows[-1].attempt == 2:
        raise BallotError("每一票只能收回一次。", "A vote can be taken back once only.")
    rows[-1].withdrawn_at = rows[-1].withdrawn_at or now()


def _again(row: VoteRow, choice: Choice, left: Opinion, right: Opinion) -> VoteRow:
    """The same press again: acknowledged if it says the same, refused if it was taken back."""
    said = (choice, left.model_dump(mode="json"), right.model_dump(mode="json"))
    if row.withdrawn_at is not None or said != (row.choice, row.left_opinion, row.right_opinion):
        raise BallotError("这一票已经变了，刷新页面再看。", "This vote has changed; reload.")
    return row


def _own(
    session: Session, code: str, key: str, ballot_id: str
) -> tuple[PollRow, BallotRow, list[VoteRow]]:
    """Return the poll, the rater's own ballot, and every vote on it, first to last."""
    rater, poll = _seat(session, code, key)
    rows = session.execute(_PAPER, {"ballot": ballot_id, "rater": rater.id}).all()
    if not rows:
        raise _unknown()
    return poll, rows[0][0], [vote for _, vote in rows if vote is not None]


def _must_be_open(poll: PollRow) -> None:
    if poll.closed_at is not None:
        raise ClosedError("投票已经结束了，谢谢您来。", "This poll is closed. Thank you.")


def _unknown() -> UnknownBallotError:
    return UnknownBallotError("没有这张选票。", "There is no such ballot.")
