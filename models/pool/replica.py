"""One engine of several: what its checks and its calls say of it, and the calls that are open to it.

Invariant: every call that is opened is ended once, however it ends, and what it says of the replica is noted once.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Set
from contextlib import asynccontextmanager
from types import TracebackType
from typing import NamedTuple

from models.engine import Engine, EngineError, EngineRefused, EngineTimeout, EngineUnavailable, ModelCard
from models.pool.breaker import Breaker
from models.pool.health import Health, State
from models.pool.moves import WENT_DOWN, Move, reason_of
from models.pool.observer import Ended, Observer

# An engine that asks for a longer pause than this is asked again all the same.
LONGEST_REST_SECONDS = 30.0
_SIGNS_OF_THE_END = frozenset({Move.UNREACHABLE, Move.CUT_OFF})


class Address(NamedTuple):
    """Where an engine is, and what it is called in metrics and logs."""

    name: str
    url: str


class Replica:
    """Checked by way of ``probe``, an engine client of its own, which `aclose` closes."""

    def __init__(
        self,
        address: Address,
        probe: Engine,
        health: Health,
        breaker: Breaker,
        observer: Observer,
        clock: Callable[[], float],
    ) -> None:
        self.name = address.name
        self.url = address.url
        self.health = health
        self.breaker = breaker
        self.observer = observer
        self.in_flight = 0
        self.cards: tuple[ModelCard, ...] = ()
        self.served: Set[str] = frozenset()
        self.doubted = asyncio.Event()
        self._probe = probe
        self._clock = clock
        self._rests_until = float("-inf")
        self._waiting: set[asyncio.Timeout] = set()
        self._checking = asyncio.Lock()
        self._checks = 0
        self.tell()

    def bar(self) -> Move | None:
        """Why no call should be sent here now; None where one may."""
        if self.health.state is State.DOWN:
            return Move.DOWN
        if not self.breaker.admits():
            return Move.BREAKER
        return Move.BUSY if self._clock() < self._rests_until else None

    def rest(self, seconds: float) -> None:
        """Send nothing here for so long, if another replica can take it: it has said that it is too busy."""
        self._rests_until = self._clock() + min(seconds, LONGEST_REST_SECONDS)

    def suspect(self) -> None:
        """Have the replica checked soon."""
        self.health.doubted()
        self.doubted.set()

    async def check(self) -> bool:
        """Check the replica, or wait for the check that is under way; True where this one brought it down."""
        seen, fell = self._checks, False
        async with self._checking:
            if self._checks != seen:
                return False
            passed = await self._answers()
            self._checks += 1
            if passed and self.health.passed():
                self.breaker.probe_now()
            fell = not passed and self.health.failed()
        self.tell()
        return fell

    def tell(self) -> None:
        """Tell the observer what is thought of the replica."""
        self.observer.state(self.name, self.health.state, self.breaker.state)

    def give_up_waiting(self) -> None:
        """End every call that still waits for its first byte, as one that may be made elsewhere."""
        now = asyncio.get_running_loop().time()
        for scope in self._waiting:
            if not scope.expired():
                scope.reschedule(now)

    def call(self) -> "Call":
        """Open a call, to be used as a context manager."""
        return Call(self, self._waiting)

    async def aclose(self) -> None:
        """Close the connections of the checks."""
        await self._probe.aclose()

    async def _answers(self) -> bool:
        """Say whether the engine says that it is well, and note what it serves."""
        well, cards = await asyncio.gather(self._probe.ready(), self._listed())
        if not well or cards is None:
            return False
        self.cards, self.served = cards, frozenset(card.id for card in cards)
        return True

    async def _listed(self) -> tuple[ModelCard, ...] | None:
        try:
            return await self._probe.models()
        except EngineError:
            return None


class Call:
    """One call to one replica. Leaving the context ends it; an `EngineError` that leaves it tells of the replica."""

    def __init__(self, replica: Replica, waiting: set[asyncio.Timeout]) -> None:
        self.replica = replica
        self._waiting = waiting
        self._probe = replica.breaker.begin()
        self._answered = False
        self._open = True
        replica.in_flight += 1
        replica.observer.call_opened(replica.name)

    def __enter__(self) -> "Call":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close(error)

    def answered(self) -> None:
        """Note that the answer has begun."""
        if not self._answered:
            self._answered = True
            if self.replica.breaker.succeeded(probe=self._probe):
                self.replica.health.returned()
                self.replica.tell()

    @asynccontextmanager
    async def first_byte(self, patience_s: float | None) -> AsyncGenerator[None, None]:
        """Wait in the block for a sign of the answer, for ``patience_s`` seconds and until the replica is given up.

        Raises `EngineTimeout` and `EngineUnavailable`, of which the caller knows that another replica may be asked.
        """
        scope = asyncio.timeout(patience_s)
        try:
            async with scope:
                self._waiting.add(scope)
                try:
                    yield
                finally:
                    self._waiting.discard(scope)
        except TimeoutError as error:
            if self.replica.health.state is State.DOWN:
                raise EngineUnavailable("engine went down before it answered", type=WENT_DOWN) from error
            raise EngineTimeout("first_token", patience_s or 0.0) from error

    def close(self, error: BaseException | None = None) -> None:
        """End the call, once; without an error before the answer began it is a call that was given up."""
        if not self._open:
            return
        self._open = False
        self.replica.in_flight -= 1
        self.replica.observer.call_ended(self.replica.name, self._ended(error))

    def _ended(self, error: BaseException | None) -> Ended:
        if isinstance(error, EngineRefused):
            self.answered()
            return Ended.REFUSED
        if isinstance(error, EngineError):
            return self._failed(error)
        if error is None and self._answered:
            return Ended.ANSWERED
        if not self._answered:
            self.replica.breaker.abandoned(probe=self._probe)
        return Ended.CANCELLED

    def _failed(self, error: EngineError) -> Ended:
        reason, replica = reason_of(error), self.replica
        if reason is Move.BUSY:
            self.answered()
            replica.rest(error.retry_after or 0.0)
            return Ended.BUSY
        if error.type == "engine_pool_exhausted":
            replica.breaker.abandoned(probe=self._probe and not self._answered)
            return Ended.FAILED
        replica.breaker.failed(probe=self._probe and not self._answered)
        if reason in _SIGNS_OF_THE_END or isinstance(error, EngineTimeout):
            replica.suspect()
        replica.tell()
        return Ended.FAILED
