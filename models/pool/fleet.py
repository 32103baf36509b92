"""The replicas of one deployment, what is known of them, and the checks that keep it known.

Invariant: at most one check of a replica is under way, and a replica that is in doubt is checked at once.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random

from models.engine import Engine, EngineUnavailable, ModelCard
from models.pool.breaker import Breaker
from models.pool.health import Health, State
from models.pool.hedge import HedgeAllowance
from models.pool.observer import Observer, Silent
from models.pool.placement import Placement
from models.pool.replica import Address, Replica

SOON_SECONDS = 1.0
_JITTER = 0.2
log = logging.getLogger("preceptor.engine")


class Fleet:
    """To be made where an event loop runs. ``connect`` makes the client of a replica's checks from its URL."""

    def __init__(
        self,
        addresses: Sequence[Address],
        connect: Callable[[str], Engine],
        *,
        slow_start_s: float = 30.0,
        observer: Observer | None = None,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        self.observer = observer or Silent()
        self._random = random or Random()
        self.replicas = [
            Replica(
                address,
                connect(address.url),
                Health(clock, slow_start_s),
                Breaker(clock, self._random),
                self.observer,
                clock,
            )
            for address in addresses
        ]
        self.placement = Placement(self.replicas, self.observer, clock)
        self.allowance = HedgeAllowance()

    @property
    def up(self) -> list[Replica]:
        """The replicas that answered their last check."""
        return [replica for replica in self.replicas if replica.health.state is State.UP]

    async def ready(self) -> bool:
        """Say whether a replica is up; where none is known to be, check them all and wait for the first that is."""
        if not self.up:
            checks = [asyncio.ensure_future(self.check(replica)) for replica in self.replicas]
            try:
                for check in asyncio.as_completed(checks):
                    await check
                    if self.up:
                        break
            finally:
                for task in checks:
                    task.cancel()
                await asyncio.gather(*checks, return_exceptions=True)
        return bool(self.up)

    async def models(self) -> tuple[ModelCard, ...]:
        """What the replicas that are up list, each model once. Raises `EngineUnavailable` where none is up."""
        if not await self.ready():
            raise EngineUnavailable("no engine can be reached")
        cards = {card.id: card for replica in reversed(self.up) for card in reversed(replica.cards)}
        return tuple(reversed(cards.values()))

    async def check(self, replica: Replica) -> None:
        """Check one replica, and free the calls that wait for it where it is down and another is not."""
        was = replica.health.state
        fell = await replica.check()
        state = replica.health.state
        if state is not was:
            log.log(logging.WARNING if state is State.DOWN else logging.INFO, "engine %s is %s", replica.name, state)
        if fell and any(other.bar() is None for other in self.replicas if other is not replica):
            replica.give_up_waiting()

    async def watch(self, interval_s: float) -> None:
        """Check every replica again and again, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for replica in self.replicas:
                group.create_task(self._watch(replica, interval_s))

    async def aclose(self) -> None:
        """Close the connections of the checks."""
        for replica in self.replicas:
            await replica.aclose()

    async def _watch(self, replica: Replica, interval_s: float) -> None:
        while True:
            replica.doubted.clear()
            await self.check(replica)
            pause = interval_s if replica.health.state is State.UP else min(interval_s, SOON_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause * self._random.uniform(1 - _JITTER, 1 + _JITTER)):
                    await replica.doubted.wait()
