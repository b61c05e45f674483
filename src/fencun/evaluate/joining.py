"""Somebody joins a poll: a seat of their own, and a set of ballots drawn for it."""

import secrets
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fencun.evaluate.polling import BallotError, find_poll, must_be_open
from fencun.evaluate.records import Source
from fencun.names import tidy_name
from fencun.store.ballots import BallotRow, PollRow, RaterRow
from fencun.store.writings import new_id

if TYPE_CHECKING:
    from fencun.evaluate.questions import QuestionSet


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
    poll = find_poll(session, code, held=True)
    must_be_open(poll)
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
    brief, drawn = asked.briefs[number], int(asked.questions.draw[item])
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
        left_text=asked.texts[left, brief, drawn],
        right_text=asked.texts[right, brief, drawn],
        repeat_of=None if repeats is None else ids[repeats],
    )


def key_of(session: Session, code: str, owner: str) -> str:
    """Return the secret of the place that belongs to ``owner``; empty where they have none."""
    found = _place_of(session, find_poll(session, code).id, owner)
    return found.key if found else ""


def _place_of(session: Session, poll: str, owner: str) -> RaterRow | None:
    query = select(RaterRow).where(RaterRow.poll_id == poll, RaterRow.owner == owner)
    return session.scalars(query.order_by(RaterRow.joined_at)).first()
