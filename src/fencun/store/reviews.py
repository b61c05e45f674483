"""The review of drafts, as functions of a session: two people agree on every draft.

A draft is decided when two reviewers agree: on rejecting it, or on one text. Until then it is
open; two opinions of which no two agree are a conflict, which one more opinion may settle.
Nothing is deleted: an opinion that was taken back or changed stays, withdrawn.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session, selectinload

from fencun import labels
from fencun.errors import FencunError
from fencun.files import Json
from fencun.names import tidy_name
from fencun.records import Sample
from fencun.scenario import Scenario
from fencun.store.schema import (
    DRAFT_STATES,
    BatchRow,
    Decision,
    DraftRow,
    DraftState,
    ReviewRow,
    now,
)

WANTED = 2  # reviewers who must agree
_TICK = timedelta(microseconds=1)
Reason = Literal["cliche", "unlike", "misfit", "exposed", "invented", "copied", "greasy", "alike"]

# What a reviewer taps to say why a draft is refused.
REASONS: dict[Reason, labels.Label] = {
    reason: labels.REASONS[reason] for reason in get_args(Reason)
}


class ReviewError(FencunError):
    """A review that cannot be taken: decided meanwhile, set aside, without reason or name."""

    code = "review"
    status = 409


class UnknownDraftError(ReviewError):
    """There is no such batch or draft."""

    code = "not_found"
    status = 404


@dataclass(frozen=True, slots=True)
class Summary:
    """How a batch goes: drafts by state, opinions that stand by reviewer and by reason."""

    batch: BatchRow
    states: Mapping[DraftState, int]
    reviewers: Mapping[str, int]
    reasons: Mapping[Reason, int]

    @property
    def total(self) -> int:
        """The number of drafts."""
        return sum(self.states.values())

    @property
    def decided(self) -> int:
        """How many two reviewers agreed on."""
        return self.states["accepted"] + self.states["rejected"]


def same_batch(session: Session, scenario: str, fingerprint: str) -> BatchRow | None:
    """Return the batch that a file with this fingerprint has made already."""
    query = select(BatchRow).where(
        BatchRow.scenario == scenario, BatchRow.fingerprint == fingerprint
    )
    return session.scalars(query).one_or_none()


def add_batch(session: Session, batch: BatchRow, drafts: Iterable[DraftRow]) -> BatchRow:
    """Add a batch; the same file again is the batch that is there already."""
    if found := same_batch(session, batch.scenario, batch.fingerprint):
        return found
    session.add(batch)
    session.flush()
    session.add_all(drafts)
    session.flush()
    return batch


def find_batch(session: Session, identity: str) -> BatchRow:
    """Return the batch of that id.

    Raises:
        UnknownDraftError: there is none.
    """
    if (batch := session.get(BatchRow, identity)) is None:
        raise UnknownDraftError("没有这批草稿。", "There is no such batch of drafts.")
    return batch


def find_draft(session: Session, identity: str) -> DraftRow:
    """Return the draft of that id, held until the transaction ends.

    Raises:
        UnknownDraftError: there is none.
    """
    draft = session.get(DraftRow, identity, with_for_update=True)
    if draft is None:
        raise UnknownDraftError("没有这条草稿。", "There is no such draft.")
    return draft


def reviewer_name(typed: str) -> str:
    """Return a reviewer's name as it is kept.

    Raises:
        ReviewError: it is empty.
    """
    if not (name := tidy_name(typed)):
        raise ReviewError("先写个名字，绰号也行。", "Please give a name; a nickname will do.")
    return name


def next_draft(
    session: Session, batch: str, reviewer: str, *, after: int = 0
) -> tuple[DraftRow | None, int]:
    """Return the draft that ``reviewer`` should see next (None: done), and how many are left.

    Those that wait for their second opinion come first. ``after`` is the number of a draft to
    pass over for now: the ones behind it come first.
    """
    mine = _standing(reviewer)
    due = (DraftRow.batch_id == batch, DraftRow.state == "open", ~mine)
    left = session.scalar(select(func.count()).select_from(DraftRow).where(*due)) or 0
    order = [(DraftRow.number <= after)] if after else []
    query = select(DraftRow).where(*due).order_by(*order, DraftRow.opinions.desc(), DraftRow.number)
    return session.scalars(query.limit(1)).first(), left


def _standing(reviewer: str) -> ColumnElement[bool]:
    return exists().where(
        ReviewRow.draft_id == DraftRow.id,
        ReviewRow.round == DraftRow.round,
        ReviewRow.reviewer == reviewer,
        ReviewRow.withdrawn_at.is_(None),
    )


def decide(
    session: Session,
    draft_id: str,
    reviewer: str,
    *,
    identity: str,
    decision: Decision,
    text: str,
    reason: Reason | None = None,
) -> DraftRow:
    """Keep what ``reviewer`` says of a draft; ``text`` is the text they mean.

    Said twice (``identity``) it is one opinion; a new one takes the place of the reviewer's
    last. Accepting a text that nobody proposed is editing.

    Raises:
        ReviewError: the draft is decided or set aside, a rejection has no reason, or the
            text is empty.
        UnknownDraftError: there is no such draft.
    """
    reviewer = reviewer_name(reviewer)
    draft = find_draft(session, draft_id)
    if (again := session.get(ReviewRow, identity)) is not None:
        return _again(draft, again)
    _must_be_open(draft)
    text = text.replace("\0", "").strip()
    if not text or len(text) > 4000:
        raise ReviewError("正文是空的，或太长了。", "The text is empty or too long.")
    if decision == "reject" and reason is None:
        raise ReviewError("说一下为什么不要。", "Say why it is rejected.")
    if decision != "reject":
        decision, reason = "accept" if text in _proposed(draft) else "edit", None
    for review in _opinions(draft):
        if review.reviewer == reviewer:
            review.withdrawn_at = now()
    session.flush()  # the old opinion must be gone before the new one stands
    draft.reviews.append(
        ReviewRow(
            id=identity, round=draft.round, reviewer=reviewer, decision=decision,
            reason=reason, text=text, at=_next_moment(session, draft.batch_id),
        )
    )  # fmt: skip
    _settle(draft)
    session.flush()
    return draft


def _next_moment(session: Session, batch: str) -> datetime:
    """Return now, or the moment after the batch's last opinion: a clock may be set back."""
    query = select(func.max(ReviewRow.at)).join(DraftRow, DraftRow.id == ReviewRow.draft_id)
    last = session.scalar(query.where(DraftRow.batch_id == batch))
    return max(now(), last + _TICK) if last else now()


def _again(draft: DraftRow, review: ReviewRow) -> DraftRow:
    if review.draft_id != draft.id or review.withdrawn_at is not None:
        raise ReviewError("这个意见已经撤回了。", "This opinion was taken back meanwhile.")
    return draft


def _must_be_open(draft: DraftRow) -> None:
    if draft.state in ("accepted", "rejected"):
        raise ReviewError("这条刚刚有两个人定了。", "Two others have just decided on this one.")
    if draft.state == "aside":
        raise ReviewError("这条搁在一边，先请回来再审。", "This one is set aside; bring it back.")


def _proposed(draft: DraftRow) -> set[str]:
    return {draft.record["text"], draft.text, *(r.text for r in _opinions(draft))}


def _opinions(draft: DraftRow) -> list[ReviewRow]:
    """Return the opinions that stand in the present round."""
    return [r for r in draft.reviews if r.withdrawn_at is None and r.round == draft.round]


def _settle(draft: DraftRow) -> None:
    """Work out anew where a draft stands and how it reads, from its opinions."""
    opinions = _opinions(draft)
    texts = Counter(r.text for r in opinions if r.decision != "reject")
    rejections = sum(r.decision == "reject" for r in opinions)
    agreed = [text for text, count in texts.items() if count >= WANTED]
    draft.opinions = len(opinions)
    edits = [r.text for r in opinions if r.decision == "edit"]
    draft.text = (agreed or edits[::-1] or [draft.record["text"]])[0]
    if agreed:
        draft.state = "accepted"
    elif rejections >= WANTED:
        draft.state = "rejected"
    else:
        draft.state = "conflict" if len(opinions) >= WANTED else "open"


def last_said(session: Session, batch: str, reviewer: str) -> str | None:
    """Return the draft on which ``reviewer`` last gave an opinion that stands, if there is one."""
    query = (
        select(ReviewRow.draft_id)
        .join(DraftRow, DraftRow.id == ReviewRow.draft_id)
        .where(
            DraftRow.batch_id == batch,
            ReviewRow.reviewer == reviewer,
            ReviewRow.round == DraftRow.round,
            ReviewRow.withdrawn_at.is_(None),
        )
        .order_by(ReviewRow.at.desc())
    )
    return session.scalars(query.limit(1)).first()


def take_back(session: Session, draft_id: str, reviewer: str) -> DraftRow:
    """Withdraw what ``reviewer`` said of a draft; taking it back twice is once.

    Raises:
        UnknownDraftError: there is no such draft.
    """
    draft = find_draft(session, draft_id)
    for review in _opinions(draft):
        if review.reviewer == reviewer:
            review.withdrawn_at = now()
    _settle(draft)
    session.flush()
    return draft


def bring_back(session: Session, draft_id: str, reviewer: str) -> DraftRow:
    """Put a draft that was set aside or rejected back into the queue; opinions begin anew.

    Raises:
        ReviewError: it is not set aside.
        UnknownDraftError: there is no such draft.
    """
    reviewer = reviewer_name(reviewer)
    draft = find_draft(session, draft_id)
    if draft.state not in ("aside", "rejected"):
        raise ReviewError("这条没有搁在一边。", "This one is not set aside.")
    draft.round += 1
    draft.brought_back_by = reviewer
    _settle(draft)
    session.flush()
    return draft


def listed(
    session: Session, batch: str, state: DraftState, *, offset: int = 0, limit: int = 30
) -> Sequence[DraftRow]:
    """Return drafts of one state with all their opinions, in the order of the file."""
    query = (
        select(DraftRow)
        .where(DraftRow.batch_id == batch, DraftRow.state == state)
        .options(selectinload(DraftRow.reviews))
        .order_by(DraftRow.number)
        .offset(offset)
        .limit(limit)
    )
    return session.scalars(query).all()


def summaries(session: Session, scenario: str) -> list[Summary]:
    """Return how every batch goes, newest first."""
    query = select(BatchRow).where(BatchRow.scenario == scenario)
    rows = session.scalars(query.order_by(BatchRow.created_at.desc(), BatchRow.id))
    return [summary(session, batch) for batch in rows]


def summary(session: Session, batch: BatchRow) -> Summary:
    """Return how ``batch`` goes."""
    of_batch = DraftRow.batch_id == batch.id
    counted = select(DraftRow.state, func.count()).where(of_batch).group_by(DraftRow.state)
    states = {row[0]: row[1] for row in session.execute(counted)}
    stands = (
        select(ReviewRow)
        .join(DraftRow, DraftRow.id == ReviewRow.draft_id)
        .where(of_batch, ReviewRow.withdrawn_at.is_(None))
    )
    names = session.execute(
        stands.with_only_columns(ReviewRow.reviewer, func.count())
        .group_by(ReviewRow.reviewer)
        .order_by(ReviewRow.reviewer)
    )
    why = session.execute(
        stands.with_only_columns(ReviewRow.reason, func.count())
        .where(ReviewRow.reason.is_not(None))
        .group_by(ReviewRow.reason)
    )
    counts = {row[0]: row[1] for row in why}
    return Summary(
        batch=batch,
        states={state: states.get(state, 0) for state in DRAFT_STATES},
        reviewers={row[0]: row[1] for row in names},
        reasons={reason: counts.get(reason, 0) for reason in REASONS},
    )


def accepted(session: Session, scenario: Scenario, batch: str) -> list[Json]:
    """Return the accepted drafts as rows, as they were agreed on, in the order of the file."""
    query = (
        select(DraftRow)
        .where(DraftRow.batch_id == batch, DraftRow.state == "accepted")
        .order_by(DraftRow.number)
    )
    return [_row(scenario, draft) for draft in session.scalars(query)]


def _row(scenario: Scenario, draft: DraftRow) -> Json:
    row = {**draft.record, "text": draft.text}
    if "hash" in row:  # a sample says what it holds
        row["hash"] = Sample.from_row(scenario, row).content_hash
    return row


def log(session: Session, batch: str) -> list[Json]:
    """Return every opinion ever given in ``batch``, oldest first, those taken back too."""
    query = (
        select(ReviewRow, DraftRow)
        .join(DraftRow, DraftRow.id == ReviewRow.draft_id)
        .where(DraftRow.batch_id == batch)
        .order_by(ReviewRow.at, ReviewRow.id)
    )
    return [
        {
            "draft": draft.record["id"],
            "line": draft.number,
            "round": review.round,
            "reviewer": review.reviewer,
            "decision": review.decision,
            "reason": review.reason,
            "text": review.text,
            "at": review.at.isoformat(),
            "withdrawn_at": review.withdrawn_at.isoformat() if review.withdrawn_at else None,
        }
        for review, draft in session.execute(query)
    ]
