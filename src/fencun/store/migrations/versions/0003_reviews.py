"""Seeds written in the app, what is being typed, and the review of drafts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Spelled out here, not imported: a released migration never changes with the code.
_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_TIME = sa.DateTime(timezone=True)
_STATES = "'open', 'conflict', 'accepted', 'rejected', 'aside'"
_DECISIONS = "'accept', 'edit', 'reject'"
_STANDING = sa.text("withdrawn_at IS NULL")


def upgrade() -> None:
    """Create the five tables."""
    _seeds()
    _drafts()
    _reviews()


def _seeds() -> None:
    op.create_table(
        "seed_versions",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("scenario", sa.String(64), nullable=False),
        sa.Column("seed", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("record", _JSON, nullable=True),
        sa.Column("replaces", sa.String(64), nullable=True),
        sa.Column("author", sa.String(40), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_seed_versions"),
        sa.UniqueConstraint("scenario", "seed", "number", name="uq_seed_versions_number"),
    )
    op.create_table(
        "sketches",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("scenario", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("seed", sa.String(64), nullable=False),
        sa.Column("fields", _JSON, nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sketches"),
    )
    op.create_index("ix_sketches_owner", "sketches", ["owner"])


def _drafts() -> None:
    op.create_table(
        "review_batches",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("scenario", sa.String(64), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("unusable", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_review_batches"),
        sa.UniqueConstraint("scenario", "fingerprint", name="uq_review_batches_fingerprint"),
    )
    op.create_table(
        "review_drafts",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("batch_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("record", _JSON, nullable=False),
        sa.Column("findings", _JSON, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("opinions", sa.Integer(), nullable=False),
        sa.Column("brought_back_by", sa.String(40), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_review_drafts"),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["review_batches.id"],
            ondelete="CASCADE",
            name="fk_review_drafts_batch_id",
        ),
        sa.UniqueConstraint("batch_id", "number", name="uq_review_drafts_number"),
        sa.CheckConstraint(f"state IN ({_STATES})", name=op.f("ck_review_drafts_state")),
    )
    op.create_index("ix_review_drafts_batch_state", "review_drafts", ["batch_id", "state"])


def _reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("draft_id", sa.String(32), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("reviewer", sa.String(40), nullable=False),
        sa.Column("decision", sa.String(8), nullable=False),
        sa.Column("reason", sa.String(16), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("withdrawn_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_reviews"),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["review_drafts.id"], ondelete="CASCADE", name="fk_reviews_draft_id"
        ),
        sa.CheckConstraint(f"decision IN ({_DECISIONS})", name=op.f("ck_reviews_decision")),
    )
    op.create_index(
        "uq_reviews_standing", "reviews", ["draft_id", "round", "reviewer"], unique=True,
        sqlite_where=_STANDING, postgresql_where=_STANDING,
    )  # fmt: skip


def downgrade() -> None:
    """Drop the five tables."""
    for table in ("reviews", "review_drafts", "review_batches", "sketches", "seed_versions"):
        op.drop_table(table)
