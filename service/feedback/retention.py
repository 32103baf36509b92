"""Looks after what is stored: erases what is older than the limit, and clears the files where that was left undone.

Invariant: a database that is away ends nothing; it is tried again.
"""

import asyncio
import time

from service.feedback import audit
from service.feedback.failure import FeedbackFailure
from service.feedback.store import Caller, FeedbackStore, Filters

LOOK_EVERY_S = 600.0
DAY_S = 86_400.0


async def watch(store: FeedbackStore, retention_days: int | None, every_s: float = LOOK_EVERY_S) -> None:
    """Look for ever."""
    while True:
        if await store.has_tables():
            await look(store, retention_days)
        await asyncio.sleep(every_s)


async def look(store: FeedbackStore, retention_days: int | None) -> None:
    """Look once."""
    if retention_days is not None:
        try:
            await store.erase(Caller(audit.RETENTION, None), Filters(before=time.time() - retention_days * DAY_S))
        except FeedbackFailure:
            return  # counted and logged where it happened
    await store.clear()
