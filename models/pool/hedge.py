"""A second call beside a slow first one; the first answer counts.

Invariant: when `hedged` returns or raises, both calls have ended; hedges are no more than a share of the calls.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from models.engine import EngineError
from models.pool.observer import Hedge

T = TypeVar("T")
SHARE = 0.05
MOST_SAVED = 10.0


class HedgeAllowance:
    """Each eligible call earns ``share`` of a hedge; what is not used is saved up to `MOST_SAVED`.

    A fleet that is slow as a whole would else be sent twice its load at the worst moment.
    """

    def __init__(self, share: float = SHARE) -> None:
        self._share = share
        self._saved = MOST_SAVED

    def earn(self) -> None:
        """Note an eligible call."""
        self._saved = min(MOST_SAVED, self._saved + self._share)

    def take(self) -> bool:
        """Whether a hedge may be sent, which is then counted."""
        if self._saved < 1.0:
            return False
        self._saved -= 1.0
        return True


async def hedged(
    first: Awaitable[T],
    second: Callable[[], Awaitable[T] | None],
    after_s: float,
    told: Callable[[Hedge], None],
) -> T:
    """Await ``first``; where it takes longer than ``after_s``, begin ``second()`` too, unless that is None.

    Raises the first call's `EngineError` where neither gives an answer.
    """
    tasks: list[asyncio.Future[T]] = [asyncio.ensure_future(first)]
    try:
        await asyncio.wait(tasks, timeout=after_s)
        if tasks[0].done():
            return tasks[0].result()
        other = second()
        if other is None:
            told(Hedge.WITHHELD)
            return await tasks[0]
        tasks.append(asyncio.ensure_future(other))
        answered = await _first_answered(tasks)
        told(Hedge.WON if answered is tasks[1] else Hedge.LOST)
        return answered.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _first_answered(tasks: list[asyncio.Future[T]]) -> asyncio.Future[T]:
    """The task that is the first to give an answer, or the first task where none does."""
    left = set(tasks)
    while left:
        done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task in done and not isinstance(task.exception(), EngineError):
                return task
    return tasks[0]
