"""Feedback, and an audit that can only grow."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# ANALYZE would copy samples of these columns into the catalogue, where no erasure reaches them.
_UNSAMPLED = ("id", "revision_id", "reviewer", "patient", "said", "seen")
_ONLY_GROWS = "feedback_audit can only grow"


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "feedback",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("revision_id", sa.String(128), nullable=False),
        sa.Column("preferred", sa.String(16), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("reviewer", sa.String(128), nullable=False),
        sa.Column("patient", sa.String(128)),
        sa.Column("content", sa.String(16), nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("seen", sa.Text),
    )
    op.create_index("feedback_by_time", "feedback", ["created_us", "id"])
    op.create_index("feedback_by_patient", "feedback", ["patient"])
    op.create_table(
        "feedback_audit",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("rows", sa.Integer),
        sa.Column("filters", sa.String(256), nullable=False),
        sa.Column("target", sa.String(64)),
    )
    if op.get_bind().dialect.name == "postgresql":
        _on_postgresql()
    else:
        _on_sqlite()


def _on_postgresql() -> None:
    for column in _UNSAMPLED:
        op.execute(f"ALTER TABLE feedback ALTER COLUMN {column} SET STATISTICS 0")
    op.execute(
        "CREATE FUNCTION feedback_audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_ONLY_GROWS}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER feedback_audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON feedback_audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION feedback_audit_only_grows()"
    )


def _on_sqlite() -> None:
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER feedback_audit_no_{act.lower()} BEFORE {act} ON feedback_audit "
            f"BEGIN SELECT RAISE(ABORT, '{_ONLY_GROWS}'); END"
        )


def downgrade() -> None:
    """Drop both, with all that they hold."""
    op.drop_table("feedback_audit")
    op.drop_table("feedback")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION feedback_audit_only_grows()")
