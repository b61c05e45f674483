"""What is kept of a writing, as functions of a session; see :mod:`fencun.store.database`."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session, selectinload

from fencun.adapter import Adapter
from fencun.gates import Finding
from fencun.models.engine import Decoding
from fencun.prompt import ADAPTED
from fencun.store.schema import CandidateRow, Change, EventKind, EventRow, WritingRow
from fencun.writer import Candidate, Writing


def new_id() -> str:
    """Return a fresh identity: 32 random hexadecimal digits."""
    return uuid4().hex


def writing_row(
    writing: Writing,
    *,
    asked: Mapping[str, str],
    decoding: Decoding,
    adapter: Adapter | None,
    source: str,
    owner: str,
) -> WritingRow:
    """Return the row of ``writing``, its candidates ranked from 0, ready to be added."""
    return WritingRow(
        id=new_id(),
        owner=owner,
        source=source,
        scenario=writing.brief.scenario.name,
        asked=dict(asked),
        brief=dict(writing.brief.values),
        arm=writing.arm,
        model=writing.model,
        adapter=adapter.sha256 if adapter and writing.arm in ADAPTED else None,
        seed=writing.seed,
        decoding=asdict(decoding),
        candidates=[
            candidate_row(candidate, rank=rank) for rank, candidate in enumerate(writing.candidates)
        ],
    )


def candidate_row(
    candidate: Candidate, *, rank: int, change: Change = "write", parent_id: str | None = None
) -> CandidateRow:
    """Return the row of one candidate, ready to be added to a writing."""
    return CandidateRow(
        id=new_id(),
        rank=rank,
        text=candidate.text,
        findings=[asdict(finding) for finding in candidate.findings],
        seed=candidate.seed,
        change=change,
        parent_id=parent_id,
    )


def findings(row: CandidateRow) -> list[Finding]:
    """Return what the gates found when the candidate was written."""
    return [Finding(**found) for found in row.findings]


def find_candidate(
    session: Session, identity: str, owner: str
) -> tuple[CandidateRow, WritingRow] | None:
    """Return the candidate of that id and its writing, if it was written for ``owner``."""
    candidate = session.get(CandidateRow, identity)
    writing = candidate and find_writing(session, candidate.writing_id, owner)
    return (candidate, writing) if candidate and writing else None


def find_writing(session: Session, identity: str, owner: str) -> WritingRow | None:
    """Return the writing of that id, candidates and events with it, if ``owner`` asked for it."""
    query = _whole().where(WritingRow.id == identity, WritingRow.owner == owner)
    return session.scalars(query).one_or_none()


def replace_candidate(
    session: Session,
    parent: CandidateRow,
    candidate: Candidate,
    change: Change,
    asked: Mapping[str, str],
) -> CandidateRow:
    """Add ``candidate``, written for ``asked``, in the place of ``parent``; ranked last."""
    last = session.scalar(
        select(func.max(CandidateRow.rank)).where(CandidateRow.writing_id == parent.writing_id)
    )
    row = candidate_row(candidate, rank=(last or 0) + 1, change=change, parent_id=parent.id)
    row.writing_id = parent.writing_id
    row.asked = dict(asked)
    session.add(row)
    session.flush()
    return row


def save_event(
    session: Session, *, identity: str, candidate_id: str, kind: EventKind, text: str | None
) -> bool:
    """Keep what a person did; False where this very event is kept already."""
    if session.get(EventRow, identity) is not None:
        return False
    session.add(EventRow(id=identity, candidate_id=candidate_id, kind=kind, text=text))
    session.flush()
    return True


def history(
    session: Session, owner: str, *, limit: int = 20, before: datetime | None = None
) -> list[WritingRow]:
    """Return the newest writings of ``owner``, candidates and events with them."""
    query = _whole().where(WritingRow.owner == owner)
    if before is not None:
        query = query.where(WritingRow.created_at < before)
    ordered = query.order_by(WritingRow.created_at.desc(), WritingRow.id).limit(limit)
    return list(session.scalars(ordered))


def forget(session: Session, owner: str, identities: Iterable[str] | None = None) -> int:
    """Delete the writings with these ids, or all of ``owner``; return how many there were."""
    query = delete(WritingRow).where(WritingRow.owner == owner)
    if identities is not None:
        query = query.where(WritingRow.id.in_(list(identities)))
    result: Any = session.execute(query)
    return int(result.rowcount)


def _whole() -> Select[WritingRow]:
    return select(WritingRow).options(
        selectinload(WritingRow.candidates).selectinload(CandidateRow.events)
    )
