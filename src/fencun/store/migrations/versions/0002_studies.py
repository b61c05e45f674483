"""The ballot box: polls, raters, ballots, votes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Spelled out here, not imported: a released migration never changes with the code.
_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_TIME = sa.DateTime(timezone=True)
_CHOICES = "'left', 'right', 'tie', 'neither'"


def upgrade() -> None:
    """Create the four tables."""
    _polls_and_raters()
    _ballots_and_votes()


def _polls_and_raters() -> None:
    op.create_table(
        "polls",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("study", sa.String(120), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("ballots", sa.Integer(), nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("closed_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_polls"),
        sa.UniqueConstraint("code", name="uq_polls_code"),
    )
    op.create_index("ix_polls_fingerprint", "polls", ["fingerprint"])
    op.create_table(
        "raters",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("poll_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("source", sa.String(8), nullable=False),
        sa.Column("joined_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_raters"),
        sa.UniqueConstraint("key", name="uq_raters_key"),
        sa.ForeignKeyConstraint(
            ["poll_id"], ["polls.id"], ondelete="CASCADE", name="fk_raters_poll_id"
        ),
    )
    op.create_index("ix_raters_poll_id", "raters", ["poll_id"])


def _ballots_and_votes() -> None:
    op.create_table(
        "ballots",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("poll_id", sa.String(32), nullable=False),
        sa.Column("rater_id", sa.String(32), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("brief", sa.String(64), nullable=False),
        sa.Column("lines", _JSON, nullable=False),
        sa.Column("left_arm", sa.String(64), nullable=False),
        sa.Column("right_arm", sa.String(64), nullable=False),
        sa.Column("left_text", sa.Text(), nullable=False),
        sa.Column("right_text", sa.Text(), nullable=False),
        sa.Column("repeat_of", sa.String(32), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ballots"),
        sa.ForeignKeyConstraint(
            ["poll_id"], ["polls.id"], ondelete="CASCADE", name="fk_ballots_poll_id"
        ),
        sa.ForeignKeyConstraint(
            ["rater_id"], ["raters.id"], ondelete="CASCADE", name="fk_ballots_rater_id"
        ),
        sa.UniqueConstraint("rater_id", "place", name="uq_ballots_rater_place"),
    )
    op.create_index("ix_ballots_poll_item", "ballots", ["poll_id", "item"])
    op.create_table(
        "votes",
        sa.Column("ballot_id", sa.String(32), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("choice", sa.String(8), nullable=False),
        sa.Column("left_opinion", _JSON, nullable=False),
        sa.Column("right_opinion", _JSON, nullable=False),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("withdrawn_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("ballot_id", "attempt", name="pk_votes"),
        sa.UniqueConstraint("id", name="uq_votes_id"),
        sa.ForeignKeyConstraint(
            ["ballot_id"], ["ballots.id"], ondelete="CASCADE", name="fk_votes_ballot_id"
        ),
        sa.CheckConstraint(f"choice IN ({_CHOICES})", name=op.f("ck_votes_choice")),
        sa.CheckConstraint("attempt IN (1, 2)", name=op.f("ck_votes_attempt")),
    )


def downgrade() -> None:
    """Drop the four tables."""
    for table in ("votes", "ballots", "raters", "polls"):
        op.drop_table(table)
