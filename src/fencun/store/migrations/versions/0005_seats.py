"""Seats of a poll: invitations, one a person, and by what a seat is known again."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_ADDED = ("invitation", "browser", "address")


def upgrade() -> None:
    """Create the table and the columns."""
    op.create_table(
        "invitations",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("poll_id", sa.String(32), nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("revoked_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
        sa.UniqueConstraint("code", name="uq_invitations_code"),
        sa.ForeignKeyConstraint(
            ["poll_id"], ["polls.id"], ondelete="CASCADE", name="fk_invitations_poll_id"
        ),
    )
    op.create_index("ix_invitations_poll_id", "invitations", ["poll_id"])
    for name in _ADDED:
        column = sa.Column(name, sa.String(32), nullable=False, server_default="")
        op.add_column("raters", column)
    apart: sa.Column[bool] = sa.Column(
        "apart", sa.Boolean(), nullable=False, server_default=sa.false()
    )
    op.add_column("raters", apart)
    op.add_column("raters", sa.Column("revoked_at", _TIME, nullable=True))


def downgrade() -> None:
    """Drop what was created."""
    for name in (*_ADDED, "apart", "revoked_at"):
        op.drop_column("raters", name)
    op.drop_table("invitations")
