"""Who read, exported and erased feedback, and when: rows that are only ever added.

Invariant: a row is written in the transaction of what it tells of, and holds no content and no patient reference; the
database itself refuses to change or delete one.
"""

import time
from enum import StrEnum

from sqlalchemy import desc, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.feedback.tables import audit

RETENTION = "retention"
GATEWAY = "gateway"


class Action(StrEnum):
    """What was done. An export that has begun and has no end was broken off."""

    LIST = "list"
    READ = "read"
    EXPORT_BEGUN = "export_begun"
    EXPORT_ENDED = "export_ended"
    ERASE = "erase"
    CLEAR = "clear"


async def note(
    connection: AsyncConnection,
    actor: str,
    action: Action,
    *,
    rows: int | None = None,
    filters: tuple[str, ...] = (),
    target: str | None = None,
) -> None:
    """Add a row. ``filters`` are names only; ``target`` is a feedback's id, or of a clearing the row that it covers."""
    row = {
        "at_us": time.time_ns() // 1000,
        "actor": actor,
        "action": action.value,
        "rows": rows,
        "filters": ",".join(filters),
        "target": target,
    }
    await connection.execute(insert(audit).values(row))


async def uncleared(connection: AsyncConnection) -> int | None:
    """The number of the last erasure, if no clearing of the files covers it yet."""
    erased = select(func.max(audit.c.number)).where(audit.c.action == Action.ERASE.value, audit.c.rows > 0)
    covered = select(audit.c.target).where(audit.c.action == Action.CLEAR.value).order_by(desc(audit.c.number)).limit(1)
    last, done = await connection.scalar(erased), await connection.scalar(covered)
    return last if last is not None and last > int(done or 0) else None
