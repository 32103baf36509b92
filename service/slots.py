"""Slots for work that the engine has to do, and a bounded queue before them, shared fairly between clients.

Invariant: a slot is held by one request and given back however it ends; a request whose client has left, or that has
waited too long, holds no place in the queue. Requests of one client go in the order in which they came.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from service.api.disconnect import stopped
from service.errors import ApiError, Busy, ClientLeft, TooManyAtOnce
from service.limits import ClientLimits
from service.metrics import Metrics
from service.turns import Share, State, Ticket, Turns


class Slots:
    """At most ``size`` requests at work and ``queue`` waiting, each for at most ``wait_s`` seconds."""

    def __init__(self, size: int, queue: int, wait_s: float, retry_after_s: int, metrics: Metrics) -> None:
        self._wait_s = wait_s
        self._retry_after_s = retry_after_s
        self._metrics = metrics
        self._turns = Turns(size, queue)
        self._arriving = Turns(0, size + queue)
        metrics.slots.set(size)
        metrics.places.set(queue)
        metrics.queued.set_function(lambda: self._turns.waiting - self._turns.held_back)
        metrics.held_back.set_function(lambda: self._turns.held_back)
        metrics.clients_queued.set_function(lambda: self._count(lambda share: bool(share.waiting)))
        bounded = metrics.clients_limited.labels("max_in_flight")
        bounded.set_function(lambda: self._count(lambda share: share.bounded and bool(share.waiting)))

    def held(self, client: str | None) -> int:
        """Slots that a client holds."""
        return self._turns.held_by(client)

    @asynccontextmanager
    async def arriving(self, client: str | None, limits: ClientLimits) -> AsyncGenerator[None, None]:
        """Receive a body. As many may be arriving as may be inside. Raises ``Busy`` and ``TooManyAtOnce``."""
        if not self._turns.admits(client, limits):
            raise self._full(client)
        patience = asyncio.timeout(None)
        now = asyncio.get_running_loop().time
        ticket = self._arriving.join(client, limits, lambda: patience.reschedule(now()))
        if ticket is None:
            raise self._busy("too many bodies are arriving")
        self._metrics.arriving.inc()
        try:
            async with patience:
                yield
        except TimeoutError as error:
            if not patience.expired():
                raise
            raise self._displaced() from error
        finally:
            self._metrics.arriving.dec()
            self._arriving.leave(ticket)

    @asynccontextmanager
    async def slot(
        self, client: str | None, limits: ClientLimits, left: Callable[[], Coroutine[Any, Any, None]]
    ) -> AsyncGenerator[None, None]:
        """Hold a slot, after a wait if need be.

        Raises ``Busy`` and ``TooManyAtOnce``, and ``ClientLeft`` as soon as ``left()`` returns.
        """
        told = asyncio.Event()
        ticket = self._turns.join(client, limits, told.set)
        if ticket is None:
            raise self._full(client)
        try:
            if ticket.state is not State.HELD:
                await self._wait(ticket, told, left)
            self._metrics.in_flight.inc()
            try:
                yield
            finally:
                self._metrics.in_flight.dec()
        finally:
            self._turns.leave(ticket)

    async def _wait(self, ticket: Ticket, told: asyncio.Event, left: Callable[[], Coroutine[Any, Any, None]]) -> None:
        waiting, leaving = asyncio.create_task(told.wait()), asyncio.create_task(left())
        try:
            await asyncio.wait({waiting, leaving}, timeout=self._wait_s, return_when=asyncio.FIRST_COMPLETED)
            if leaving.done():
                raise ClientLeft
            if ticket.state is State.DISPLACED:
                raise self._displaced()
            if ticket.state is State.WAITING:
                raise self._late(ticket.share)
        finally:
            await stopped(waiting, leaving)

    def _count(self, holds: Callable[[Share], bool]) -> int:
        return sum(holds(share) for share in self._turns.shares)

    def _full(self, client: str | None) -> ApiError:
        if self._turns.bounded(client):
            return self._too_many("no more of them may wait")
        return self._busy("every slot and every place in the queue is taken")

    def _late(self, share: Share) -> ApiError:
        within = f"within {self._wait_s:g} s"
        if share.bounded:
            return self._too_many(f"none of them ended {within}")
        return self._busy(f"no slot became free {within}")

    def _displaced(self) -> Busy:
        self._metrics.displaced.inc()
        return self._busy("the queue is full, and this client has more than its share of it")

    def _too_many(self, why: str) -> TooManyAtOnce:
        what = f"this client has as many requests at work as it may have, and {why}"
        return TooManyAtOnce(what, headers={"retry-after": str(self._retry_after_s)})

    def _busy(self, why: str) -> Busy:
        return Busy(why, headers={"retry-after": str(self._retry_after_s)})
