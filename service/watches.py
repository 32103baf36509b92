"""What runs beside the requests for as long as the server does, and is begun again where it fails.

Invariant: none of it ends unheard: a failure is logged by type and frames, counted, and followed by another beginning.
The process goes on meanwhile: its open streams are worth more than what a watch would have noticed.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

from service.revision.alongside import alongside

SHORTEST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
log = logging.getLogger("preceptor.watches")


class Watch(StrEnum):
    """What is looked after."""

    EVENT_LOOP = "event_loop"
    ENGINES = "engines"
    BINDING = "binding"
    KEYS = "keys"
    PRINCIPLES = "principles"
    FEEDBACK = "feedback"


@asynccontextmanager
async def kept_up(
    watch: Watch,
    work: Callable[[], Coroutine[Any, Any, None]],
    failed: Callable[[Watch], None],
    pause_s: float = SHORTEST_PAUSE_S,
) -> AsyncGenerator[None, None]:
    """Run ``work()`` beside the block. Where it fails, ``failed`` hears of it, and it is begun again after a pause.

    The pause doubles from ``pause_s`` with every failure, up to a minute, until one run has lasted as long.
    """
    async with alongside(_again_and_again(watch, work, failed, pause_s)):
        yield


async def _again_and_again(
    watch: Watch, work: Callable[[], Coroutine[Any, Any, None]], failed: Callable[[Watch], None], first_pause_s: float
) -> None:
    now, pause_s = asyncio.get_running_loop().time, first_pause_s
    while True:
        began = now()
        async with alongside(work()) as task:
            await asyncio.wait({task})
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None:
            return
        if now() - began >= LONGEST_PAUSE_S:
            pause_s = first_pause_s
        for cause in _causes(error):
            log.error("the watch over %s failed; it begins again in %g s", watch.value, pause_s, exc_info=cause)
        failed(watch)
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def _causes(error: BaseException) -> list[BaseException]:
    """What a task group failed of, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        return [cause for part in error.exceptions for cause in _causes(part)]
    return [error]
