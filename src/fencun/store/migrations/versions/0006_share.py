"""What a token used of its day is counted where all servers see it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("tokens", sa.Column("day", sa.String(10), nullable=False, server_default=""))
    op.add_column("tokens", sa.Column("used", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Drop what was added."""
    op.drop_column("tokens", "used")
    op.drop_column("tokens", "day")
