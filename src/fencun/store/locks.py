"""Locks that hold across all servers of one database."""

from sqlalchemy import text
from sqlalchemy.orm import Session


def one_at_a_time(session: Session, what: str) -> None:
    """Wait until no other transaction is at ``what``, and keep others from it until this ends.

    For what has no row yet that could be locked. SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        hashed = text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")
        session.execute(hashed, {"what": what})
