"""The tables, as the newest migration leaves them.

Invariant: texts of patients and reviewers stand in ``said`` and ``seen`` only; the audit holds none, and no reference
to a patient either.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

feedback = Table(
    "feedback",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("created_us", BigInteger, nullable=False),
    Column("client", String(64), nullable=False),
    Column("revision_id", String(128), nullable=False),
    Column("preferred", String(16), nullable=False),
    Column("role", String(32), nullable=False),
    Column("reviewer", String(128), nullable=False),
    Column("patient", String(128)),
    Column("content", String(16), nullable=False),
    Column("said", Text, nullable=False),
    Column("seen", Text),
    Column("idempotency_key", String(128)),
    Index("feedback_by_time", "created_us", "id"),
    Index("feedback_by_patient", "patient"),
    Index("feedback_by_key", "client", "idempotency_key", unique=True),
)

audit = Table(
    "feedback_audit",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at_us", BigInteger, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(32), nullable=False),
    Column("rows", Integer),
    Column("filters", String(256), nullable=False),
    Column("target", String(64)),
)
