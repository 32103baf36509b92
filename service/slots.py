"""Slots for work that the engine has to do, and a bounded queue before them, first come first served.

Invariant: a slot is held by one request and given back however it ends; a request whose client has left, or that has
waited too long, holds no place in the queue.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from service.api.disconnect import stopped
from service.errors import Busy, ClientLeft
from service.metrics import Metrics


class Slots:
    """At most ``size`` requests at work and ``queue`` waiting, each for at most ``wait_s`` seconds."""

    def __init__(self, size: int, queue: int, wait_s: float, retry_after_s: int, metrics: Metrics) -> None:
        self._room = size + queue
        self._wait_s = wait_s
        self._retry_after_s = retry_after_s
        self._metrics = metrics
        self._entered = 0
        self._arriving = 0
        self._free = asyncio.Semaphore(size)
        metrics.slots.set(size)
        metrics.places.set(queue)

    def require_room(self) -> None:
        """Raise ``Busy`` where every slot and every place in the queue is taken."""
        if self._entered >= self._room:
            raise self._busy("every slot and every place in the queue is taken")

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """Receive a body. As many may be arriving as may be inside. Raises ``Busy``."""
        self.require_room()
        if self._arriving >= self._room:
            raise self._busy("too many bodies are arriving")
        self._arriving += 1
        self._metrics.arriving.inc()
        try:
            yield
        finally:
            self._arriving -= 1
            self._metrics.arriving.dec()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place inside, at work or waiting. Raises ``Busy`` where there is none."""
        self.require_room()
        self._entered += 1
        try:
            yield
        finally:
            self._entered -= 1

    @asynccontextmanager
    async def slot(self, left: Callable[[], Coroutine[Any, Any, None]]) -> AsyncGenerator[None, None]:
        """Hold a slot, after a wait if need be. Raises ``Busy``, and ``ClientLeft`` as soon as ``left()`` returns."""
        if self._free.locked():
            await self._wait(left)
        else:
            await self._free.acquire()
        self._metrics.in_flight.inc()
        try:
            yield
        finally:
            self._metrics.in_flight.dec()
            self._free.release()

    async def _wait(self, left: Callable[[], Coroutine[Any, Any, None]]) -> None:
        waiting, leaving = asyncio.create_task(self._free.acquire()), asyncio.create_task(left())
        self._metrics.queued.inc()
        try:
            await asyncio.wait({waiting, leaving}, timeout=self._wait_s, return_when=asyncio.FIRST_COMPLETED)
            if leaving.done():
                raise ClientLeft
            if not waiting.done():
                raise self._busy(f"no slot became free within {self._wait_s:g} s")
        except BaseException:
            await stopped(waiting)
            if not waiting.cancelled():
                self._free.release()
            raise
        finally:
            self._metrics.queued.dec()
            await stopped(leaving)

    def _busy(self, why: str) -> Busy:
        return Busy(why, headers={"retry-after": str(self._retry_after_s)})
