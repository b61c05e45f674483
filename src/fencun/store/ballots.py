"""The ballot box in the database: polls, raters, ballots, votes. Typed as in schema.py."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from fencun.store.schema import Base, JsonColumn, UtcTime, now

_CHOICES = "'left', 'right', 'tie', 'neither'"


class PollRow(Base):
    """One opening of the ballot box for a study. ``code`` is what the link ends in.

    ``fingerprint`` pins the study, ``folder`` says where its answers lie; ``ballots`` is how
    many each rater gets.
    """

    __tablename__ = "polls"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    code: Mapped[str] = mapped_column(String(32), unique=True)
    study: Mapped[str] = mapped_column(String(120))
    fingerprint: Mapped[str] = mapped_column(String(64), index=True)
    folder: Mapped[str] = mapped_column(Text)
    ballots: Mapped[int]
    opened_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)


class RaterRow(Base):
    """Somebody who votes. ``key`` is the secret that the browser keeps; a name is enough.

    ``invitation`` is that of a seat given to one person; an open seat is known again by
    ``browser`` and ``address``, as keyed hashes, and ``apart`` is the host's word that it is a
    person of its own. A revoked seat votes no more, and its votes do not count.

    ``owner`` is the token that the place belongs to, where the server asks for tokens.
    """

    __tablename__ = "raters"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    poll_id: Mapped[str] = mapped_column(ForeignKey("polls.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(64), unique=True)
    source: Mapped[str] = mapped_column(String(8), default="web")
    owner: Mapped[str] = mapped_column(String(64), default="", server_default="")
    joined_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    invitation: Mapped[str] = mapped_column(String(32), default="", server_default="")
    browser: Mapped[str] = mapped_column(String(32), default="", server_default="")
    address: Mapped[str] = mapped_column(String(32), default="", server_default="")
    apart: Mapped[bool] = mapped_column(default=False, server_default=false())
    revoked_at: Mapped[datetime | None] = mapped_column(UtcTime)


class InvitationRow(Base):
    """A link for one person (``name``): ``code`` is its secret, good until ``revoked_at``."""

    __tablename__ = "invitations"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    poll_id: Mapped[str] = mapped_column(ForeignKey("polls.id", ondelete="CASCADE"), index=True)
    code: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(40))
    made_at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcTime)


class BallotRow(Base):
    """One question to one rater: a brief, two texts, and, kept here only, who wrote which.

    ``item`` is the position among the poll's questions, ``place`` counts from 0 in
    the order shown, ``repeat_of`` is the ballot that this one asks again.
    """

    __tablename__ = "ballots"
    __table_args__ = (
        UniqueConstraint("rater_id", "place", name="uq_ballots_rater_place"),
        Index("ix_ballots_poll_item", "poll_id", "item"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    poll_id: Mapped[str] = mapped_column(ForeignKey("polls.id", ondelete="CASCADE"))
    rater_id: Mapped[str] = mapped_column(ForeignKey("raters.id", ondelete="CASCADE"))
    place: Mapped[int]
    item: Mapped[int]
    brief: Mapped[str] = mapped_column(String(64))
    lines: Mapped[list[list[str]]] = mapped_column(JsonColumn)
    left_arm: Mapped[str] = mapped_column(String(64))
    right_arm: Mapped[str] = mapped_column(String(64))
    left_text: Mapped[str] = mapped_column(Text)
    right_text: Mapped[str] = mapped_column(Text)
    repeat_of: Mapped[str | None] = mapped_column(String(32))


class VoteRow(Base):
    """A ballot, cast. ``attempt`` is 1, or 2 after the first was taken back (``withdrawn_at``).

    ``id`` comes from the voter's browser: the same press of the button sent twice is one vote.
    """

    __tablename__ = "votes"
    __table_args__ = (
        CheckConstraint(f"choice IN ({_CHOICES})", name="choice"),
        CheckConstraint("attempt IN (1, 2)", name="attempt"),
    )

    ballot_id: Mapped[str] = mapped_column(
        ForeignKey("ballots.id", ondelete="CASCADE"), primary_key=True
    )
    attempt: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(32), unique=True)
    choice: Mapped[str] = mapped_column(String(8))
    left_opinion: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    right_opinion: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    seconds: Mapped[float | None] = mapped_column(Double)
    at: Mapped[datetime] = mapped_column(UtcTime, default=now)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcTime)
