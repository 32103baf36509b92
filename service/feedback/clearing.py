"""Takes what was erased out of the database's files, where a delete alone leaves it.

Invariant: says that the files are clear only where the database said so. Backups, and PostgreSQL's log of changes
(``pg_wal`` and its archive), are the operator's.
"""

import asyncio
import re
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.feedback.database import Database

CLEAR_S = 60.0
LOCK_S = 2
_FIRST_NUMBER = re.compile(r"\D*([0-9]+)")


async def clear(database: Database) -> bool:
    """Rewrite the files without what is no longer there; False where a reader's snapshot still keeps it. Raises
    ``FeedbackFailure``."""
    async with database.outside_transactions(CLEAR_S) as connection:
        return await (_clear_postgresql(connection) if database.file is None else _clear_sqlite(connection))


async def _clear_sqlite(connection: AsyncConnection) -> bool:
    """Freed pages are zeroed as they are freed; VACUUM leaves no remains inside pages, and the checkpoint no log."""
    await connection.execute(text("VACUUM"))
    busy: int = (await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))).one()[0]
    return not busy


async def _clear_postgresql(connection: AsyncConnection) -> bool:
    """VACUUM FULL writes the table anew; what it says of each table is how many dead rows it had to keep."""
    kept: list[int] = []

    def listen(_: object, message: Any) -> None:
        found = _FIRST_NUMBER.match(message.detail or "")
        if found:
            kept.append(int(found[1]))

    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    await connection.execute(text(f"SET lock_timeout = '{LOCK_S:g}s'"))  # whoever writes meanwhile waits behind this
    await connection.execute(text("SET client_min_messages = info"))
    driver.add_log_listener(listen)
    try:
        await connection.execute(text("VACUUM (FULL, VERBOSE) feedback"))
        await asyncio.sleep(0)
    finally:
        driver.remove_log_listener(listen)
    return bool(kept) and not any(kept)
