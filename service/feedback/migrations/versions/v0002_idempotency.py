"""A client's own key for a feedback, so that one that it sends twice is kept once."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the key; feedback that is there has none."""
    op.add_column("feedback", sa.Column("idempotency_key", sa.String(128)))
    if op.get_bind().dialect.name == "postgresql":  # no samples in the catalogue, as of the other columns
        op.execute("ALTER TABLE feedback ALTER COLUMN idempotency_key SET STATISTICS 0")
    op.create_index("feedback_by_key", "feedback", ["client", "idempotency_key"], unique=True)


def downgrade() -> None:
    """Forget the keys; all feedback stays."""
    op.drop_index("feedback_by_key", "feedback")
    op.drop_column("feedback", "idempotency_key")
