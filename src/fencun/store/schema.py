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
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

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
DraftState = Literal["open", "conflict", "accepted", "rejected", "aside"]
DRAFT_STATES: tuple[DraftState, ...] = get_args(DraftState)
Decision = Literal["accept", "edit", "reject"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)

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


class SeedVersionRow(Base):
    """One state of a seed that was written or mended in the app; the highest number holds.

    ``id`` comes from the client: the same press of the button sent twice is one version.
    ``seed`` may be the id of a seed of the scenario: its file is never changed, this lies over
    it. ``record`` is the flat row (None: deleted), ``replaces`` the content hash of what stood
    there before (None: nothing did).
    """

    __tablename__ = "seed_versions"
    __table_args__ = (
        UniqueConstraint("scenario", "seed", "number", name="uq_seed_versions_number"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    scenario: Mapped[str] = mapped_column(String(64))
    seed: Mapped[str] = mapped_column(String(64))
    number: Mapped[int]
    record: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn)
    replaces: Mapped[str | None] = mapped_column(String(64))
    author: Mapped[str] = mapped_column(String(40), default="")
    at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class SketchRow(Base):
    """What a browser (``owner``) is typing and has not saved yet, field by field.

    ``seed`` is the seed being mended (empty: a new one); ``turn`` grows with every change, so
    that one which comes late never wins over a later one.
    """

    __tablename__ = "sketches"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    scenario: Mapped[str] = mapped_column(String(64))
    owner: Mapped[str] = mapped_column(String(64), index=True)
    seed: Mapped[str] = mapped_column(String(64), default="")
    fields: Mapped[dict[str, str]] = mapped_column(JsonColumn)
    turn: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(UtcTime, default=now, onupdate=now)


class BatchRow(Base):
    """A file of drafts under review. ``unusable`` are its lines that could not be read, and why."""

    __tablename__ = "review_batches"
    __table_args__ = (
        UniqueConstraint("scenario", "fingerprint", name="uq_review_batches_fingerprint"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    scenario: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(120))
    fingerprint: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    unusable: Mapped[list[dict[str, Any]]] = mapped_column(JsonColumn)


class DraftRow(Base):
    """One draft under review. ``number`` is its line in the file, ``record`` its row as it came.

    ``text`` is how it reads now, ``findings`` what the gates said of it when it came;
    ``opinions`` counts those that stand in this ``round``. A draft that the gates refused
    starts in round 0, set aside; bringing one back begins the next round.
    """

    __tablename__ = "review_drafts"
    __table_args__ = (
        UniqueConstraint("batch_id", "number", name="uq_review_drafts_number"),
        Index("ix_review_drafts_batch_state", "batch_id", "state"),
        CheckConstraint(f"state IN ({', '.join(map(repr, DRAFT_STATES))})", name="state"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    batch_id: Mapped[str] = mapped_column(ForeignKey("review_batches.id", ondelete="CASCADE"))
    number: Mapped[int]
    record: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JsonColumn)
    text: Mapped[str] = mapped_column(Text)
    round: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(16), default="open")
    opinions: Mapped[int] = mapped_column(default=0)
    brought_back_by: Mapped[str | None] = mapped_column(String(40))
    reviews: Mapped[list["ReviewRow"]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="ReviewRow.at"
    )


class ReviewRow(Base):
    """What one reviewer said of one draft, and of which text. ``id`` comes from the client."""

    __tablename__ = "reviews"
    __table_args__ = (
        CheckConstraint(f"decision IN ({', '.join(map(repr, DECISIONS))})", name="decision"),
        Index(
            "uq_reviews_standing", "draft_id", "round", "reviewer", unique=True,
            sqlite_where=text("withdrawn_at IS NULL"),
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    draft_id: Mapped[str] = mapped_column(ForeignKey("review_drafts.id", ondelete="CASCADE"))
    round: Mapped[int]
    reviewer: Mapped[str] = mapped_column(String(40))
    decision: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str | None] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcTime)


class TokenRow(Base):
    """A key to this server, as it is known at rest: only the SHA-256 of what its holder has.

    ``daily`` is how many writings a day it may ask for (0: as many as it likes), ``used`` how
    many it asked for on ``day``, the last on which it did (ISO, UTC). One that is ``once``
    opens nothing: it is a link that is exchanged, one time, for a token of its own.
    """

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(JsonColumn)
    daily: Mapped[int] = mapped_column(default=0)
    day: Mapped[str] = mapped_column(String(10), default="", server_default="")
    used: Mapped[int] = mapped_column(default=0, server_default="0")
    once: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    expires_at: Mapped[datetime | None] = mapped_column(UtcTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcTime)


class AuditRow(Base):
    """Who changed what, and when. The database refuses to change or delete a row.

    ``token`` and ``name`` are those of the caller, empty where nobody had to say who they are.
    """

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    token: Mapped[str] = mapped_column(String(32), default="")
    name: Mapped[str] = mapped_column(String(40), default="")
    action: Mapped[str] = mapped_column(String(200))
