"""The tables, typed. Times are UTC; JSON columns keep Chinese readable."""

from datetime import UTC, datetime
from typing import Any, Literal, get_args

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

# Modules that declare tables; a new room adds its own here, beside its migration.
TABLES: tuple[str, ...] = ("fencun.store.schema", "fencun.evaluate.tables")

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

EventKind = Literal["edited", "copied", "liked", "disliked", "unrated", "card"]
EVENT_KINDS: tuple[EventKind, ...] = get_args(EventKind)
Change = Literal["write", "redraw", "shorter", "lighter"]

JsonColumn = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class UtcTime(TypeDecorator[datetime]):
    """A moment: aware in Python, UTC in the database (SQLite forgets the zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMING)


class WritingRow(Base):
    """One press of the button: what was asked, in own words and understood, and of whom.

    ``owner`` is the browser that asked (empty for programs); ``asked`` are the fields as
    typed, ``brief`` their canonical values; ``decoding`` how it was sampled.
    """

    __tablename__ = "writings"
    __table_args__ = (Index("ix_writings_owner_created", "owner", "created_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    owner: Mapped[str] = mapped_column(String(64), default="")
    source: Mapped[str] = mapped_column(String(16))
    scenario: Mapped[str] = mapped_column(String(64))
    asked: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    brief: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    arm: Mapped[str] = mapped_column(String(32))
    model: Mapped[str] = mapped_column(String(200))
    adapter: Mapped[str | None] = mapped_column(String(200))
    seed: Mapped[int] = mapped_column(BigInteger)
    decoding: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    candidates: Mapped[list["CandidateRow"]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="CandidateRow.rank"
    )


class CandidateRow(Base):
    """One answer that was shown. ``rank`` counts from 0, best first, later changes after it.

    ``change`` says how it came about; ``parent_id`` is the candidate that it replaces, and
    ``asked`` the fields that it was written for (None: those of its writing).
    """

    __tablename__ = "candidates"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    writing_id: Mapped[str] = mapped_column(
        ForeignKey("writings.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    rank: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JsonColumn)
    seed: Mapped[int] = mapped_column(BigInteger)
    change: Mapped[str] = mapped_column(String(16), default="write")
    parent_id: Mapped[str | None] = mapped_column(String(32))
    asked: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    events: Mapped[list["EventRow"]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="EventRow.at"
    )


class EventRow(Base):
    """What a person did with a candidate. ``id`` comes from the client: saying it twice is once.

    ``text`` is the edited text, or the design of a card.
    """

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint(f"kind IN ({', '.join(repr(kind) for kind in EVENT_KINDS)})", name="kind"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    candidate_id: Mapped[str] = mapped_column(
        ForeignKey("candidates.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(16))
    text: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcTime, default=now)
