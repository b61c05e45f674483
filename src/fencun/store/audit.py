"""Who does what: noted in the same transaction as what they did."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from fencun.store.schema import AuditRow

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Act:
    """What is being done, and by the holder of which token (empty: nobody had to say)."""

    action: str
    token: str = ""
    name: str = ""


# What the present request does. Every write of the store while it is set is noted as that.
acting: ContextVar[Act | None] = ContextVar("acting", default=None)


@contextmanager
def unnoted() -> Iterator[None]:
    """Have writes that are queued in the block left out of the log."""
    token = acting.set(None)
    try:
        yield
    finally:
        acting.reset(token)


def note(session: Session, act: Act) -> None:
    """Add a line to the log."""
    session.add(AuditRow(action=act.action[:_LONGEST], token=act.token, name=act.name))


def newest(session: Session, limit: int = 50) -> Sequence[AuditRow]:
    """Return the last ``limit`` lines, newest first."""
    return session.scalars(select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)).all()
