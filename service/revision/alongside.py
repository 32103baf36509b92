"""Work beside other work, and never left behind.

Invariant: when the block ends, however it ends, the task has ended too.
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


@asynccontextmanager
async def alongside(work: Coroutine[Any, Any, T]) -> AsyncGenerator[asyncio.Task[T], None]:
    """Run ``work`` beside the block, which may await the task; what is unfinished at the end is cancelled.

    Unlike a task group it raises what the block raises as it is, not in a group.
    """
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
