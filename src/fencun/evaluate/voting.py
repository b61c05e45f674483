"""The ballot box, as functions of a session: show a ballot, vote, take it back."""

from collections.abc import Collection

from sqlalchemy import and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import Session

from fencun.evaluate.polling import BallotError, UnknownBallotError, must_be_open
from fencun.evaluate.records import Choice, Opinion
from fencun.store.ballots import BallotRow, PollRow, RaterRow, VoteRow
from fencun.store.schema import now

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
# Votes and seats of one poll happen one after the other, on however many servers: who holds its
# row sees everything before, and whoever counts after it was closed sees every vote.
_HELD_SEAT = _SEAT.with_for_update()
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


def find_rater(session: Session, code: str, key: str) -> RaterRow:
    """Return the rater with the secret ``key`` in the poll of ``code``.

    Raises:
        UnknownBallotError: there is none.
    """
    return _seat(session, code, key)[0]


def _seat(session: Session, code: str, key: str, *, held: bool = False) -> tuple[RaterRow, PollRow]:
    query = _HELD_SEAT if held else _SEAT
    found = session.execute(query, {"code": code, "key": key}).one_or_none() if key else None
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
    must_be_open(poll)
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
    must_be_open(poll)
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
    """Return the poll, held, the rater's own ballot, and every vote on it, first to last."""
    rater, poll = _seat(session, code, key, held=True)
    rows = session.execute(_PAPER, {"ballot": ballot_id, "rater": rater.id}).all()
    if not rows:
        raise _unknown()
    return poll, rows[0][0], [vote for _, vote in rows if vote is not None]


def _unknown() -> UnknownBallotError:
    return UnknownBallotError("没有这张选票。", "There is no such ballot.")
