"""Writings, their candidates, and what people did with them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Spelled out here, not imported: a released migration never changes with the code.
_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_TIME = sa.DateTime(timezone=True)
_KINDS = "'edited', 'copied', 'liked', 'disliked', 'unrated', 'card'"


def upgrade() -> None:
    """Create the three tables."""
    op.create_table(
        "writings",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("scenario", sa.String(64), nullable=False),
        sa.Column("asked", _JSON, nullable=False),
        sa.Column("brief", _JSON, nullable=False),
        sa.Column("arm", sa.String(32), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("adapter", sa.String(200), nullable=True),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("decoding", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_writings"),
    )
    op.create_index("ix_writings_owner_created", "writings", ["owner", "created_at"])
    op.create_table(
        "candidates",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("writing_id", sa.String(32), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("findings", _JSON, nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.String(16), nullable=False),
        sa.Column("parent_id", sa.String(32), nullable=True),
        sa.Column("asked", _JSON, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_candidates"),
        sa.ForeignKeyConstraint(
            ["writing_id"], ["writings.id"], ondelete="CASCADE", name="fk_candidates_writing_id"
        ),
    )
    op.create_index("ix_candidates_writing_id", "candidates", ["writing_id"])
    op.create_table(
        "events",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("candidate_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidates.id"], ondelete="CASCADE", name="fk_events_candidate_id"
        ),
        sa.CheckConstraint(f"kind IN ({_KINDS})", name=op.f("ck_events_kind")),
    )
    op.create_index("ix_events_candidate_id", "events", ["candidate_id"])


def downgrade() -> None:
    """Drop the three tables."""
    op.drop_table("events")
    op.drop_table("candidates")
    op.drop_table("writings")
