"""The real processes of a scenario: stand-in engines with a tap before each, and a gateway before all of them.

Invariant: whatever a scenario does to them (killed, frozen), leaving the stage leaves no process behind.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import httpx

from loadtest.child import Child, ChildFailure, free_address, running
from loadtest.connection import Address
from loadtest.cpu import open_sockets
from loadtest.faults.networks import Hosts
from loadtest.faults.tap import Plan, Tap, tapped
from loadtest.quantiles import gauge

GATEWAY_SECONDS, ENGINE_SECONDS = 90.0, 30.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Limits:
    """The gateway's patience in seconds, by its own settings' names; every budget of a scenario follows from them."""

    health_interval_s: float = 1.0
    health_timeout_s: float = 1.0
    first_byte_s: float = 1.5
    engine_begin_s: float = 3.0
    engine_silence_s: float = 2.0
    engine_answer_s: float = 6.0
    deadline_s: float = 8.0
    slow_start_s: float = 0.0
    drain_s: int = 5

    @property
    def longest_seconds(self) -> float:
        """Within this much any request has ended: three sends, each with a pause, and the rest of its deadline."""
        return 3 * self.engine_answer_s + self.deadline_s

    def flags(self) -> list[str]:
        """As options of the gateway."""
        names = Limits.__dataclass_fields__
        return [word for name in names for word in (f"--{name.replace('_', '-')}", str(getattr(self, name)))]


@dataclass(frozen=True, slots=True)
class Setting:
    """How processes are started: the gateway's command, its limits, the stand-ins' flags, a folder for their logs."""

    command: Sequence[str]
    limits: Limits
    engine_flags: Sequence[str]
    logs: Path

    def gateway_words(self, own: Address, behind: Sequence[Address], more: Sequence[str] = ()) -> list[str]:
        """The gateway's command line."""
        names = ",".join(f"{'abcdefgh'[place]}={address.url}" for place, address in enumerate(behind))
        where = ("--host", own.host, "--port", str(own.port), "--engine-url", names, "--log-level", "warning")
        return [*self.command, "serve", *where, *self.limits.flags(), *more]


class Engine:
    """One stand-in and its tap."""

    def __init__(self, name: str, tap: Tap, logs: Path, flags: Sequence[str]) -> None:
        self.name = name
        self.tap = tap
        self._logs = logs
        self._flags = flags
        self._stack = ExitStack()
        self._child: Child | None = None
        self._starts = 0

    async def start(self) -> None:
        """Start the process, or a new one after it was killed. Raises ``ChildFailure``."""
        self._stack.close()
        self._starts += 1
        own = self.tap.engine
        command = (sys.executable, "-m", "loadtest.standin", "--port", str(own.port), *self._flags)
        log = self._logs / f"engine-{self.name}-{self._starts}.log"
        self._child = self._stack.enter_context(running(command, own, log))
        await asyncio.to_thread(self._child.await_answer, "/health", ENGINE_SECONDS)

    def kill(self) -> None:
        """SIGKILL; the tap then is as a host on which nobody listens."""
        self._signal(signal.SIGKILL)
        self.tap.refuse()

    def freeze(self) -> None:
        """SIGSTOP: the kernel still takes connections and bytes."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    async def back(self) -> None:
        """Have a killed engine come back at the same address."""
        await self.start()
        await self.tap.listen()

    async def open_calls(self) -> int:
        """Chat completions under way, as the engine itself counts them."""
        return (await counts(self.tap.engine))["open"]

    def close(self) -> None:
        """End the process."""
        self._stack.close()

    def _signal(self, number: signal.Signals) -> None:
        assert self._child is not None
        os.kill(self._child.pid, number)


@dataclass(frozen=True, slots=True)
class Left:
    """What is still open: calls and requests at the gateway, sockets more than before, calls at the engines."""

    engine_calls: int
    gateway_calls: int
    in_flight: int
    queued: int
    sockets: int

    @property
    def work(self) -> bool:
        """Whether anything is still being done."""
        return bool(self.engine_calls or self.gateway_calls or self.in_flight or self.queued)


@dataclass(slots=True)
class Stage:
    """Engines and the gateway before them; ``address`` is where clients come."""

    engines: list[Engine]
    gateway: Child
    address: Address
    limits: Limits
    hosts: Hosts | None = None
    idle_sockets: int = 0
    spare_sockets: int = field(default=2)

    @property
    def network(self) -> Hosts:
        """The network between the gateway and the engines."""
        assert self.hosts is not None
        return self.hosts

    def plan(self, plan: Plan | None) -> None:
        """Have this go wrong, or nothing any more."""
        for engine in self.engines:
            engine.tap.plan = plan

    def sick(self, plan: Plan) -> Engine:
        """The engine that a plan has met."""
        return next(engine for engine in self.engines if engine.tap is plan.sick)

    async def left(self) -> Left:
        """Look once. A health check of each engine may be under way, and connections that are kept are no loss."""
        metrics = await self._metrics()
        open_calls = [await engine.open_calls() for engine in self.engines]
        more = open_sockets(self.gateway.pid) - self.idle_sockets - self.spare_sockets * len(self.engines)
        return Left(
            sum(open_calls),
            int(gauge(metrics, "preceptor_engine_open_calls") or 0),
            int(gauge(metrics, "preceptor_in_flight_requests") or 0),
            int(gauge(metrics, "preceptor_queued_requests") or 0),
            max(0, more),
        )

    async def settled(self, seconds: float, *, sockets: bool = False) -> Left:
        """Look until nothing is being done, or so many seconds have passed; ``sockets``: and none is open beyond.

        Connections to engines are kept for four seconds, so that the latter takes longer than that.
        """
        until = perf_counter() + seconds
        while True:
            left = await self.left()
            if not (left.work or (sockets and left.sockets)) or perf_counter() > until:
                return left
            await asyncio.sleep(_POLL_SECONDS)

    async def engines_ready(self) -> int:
        """How many engines the gateway holds to be up."""
        return int(gauge(await self._metrics(), "preceptor_engines_ready") or 0)

    async def breakers_closed(self) -> int:
        """How many engines' circuit breakers are closed."""
        lines = (await self._metrics()).splitlines()
        closed = [line for line in lines if line.startswith("preceptor_engine_breaker{") and 'state="closed"' in line]
        return sum(float(line.split()[-1]) == 1.0 for line in closed)

    async def _metrics(self) -> str:
        async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
            return (await client.get(f"{self.address.url}/metrics")).text


@asynccontextmanager
async def engines(
    number: int, logs: Path, flags: Sequence[str], host: str = "127.0.0.1"
) -> AsyncIterator[list[Engine]]:
    """So many stand-ins that answer, each behind a tap at ``host``."""
    async with AsyncExitStack() as stack:
        found = []
        for place in range(number):
            tap = await stack.enter_async_context(tapped(free_address(), host))
            engine = Engine("abcdefgh"[place], tap, logs, flags)
            stack.callback(engine.close)
            await engine.start()
            found.append(engine)
        yield found


@asynccontextmanager
async def staged(
    setting: Setting, number: int, more: Sequence[str] = (), hosts: Hosts | None = None
) -> AsyncIterator[Stage]:
    """A gateway before so many engines, once it is ready for all of them; on a host of its own where there is one.

    Raises ``ChildFailure``.
    """
    at = hosts.engines if hosts else "127.0.0.1"
    async with (
        engines(number, setting.logs, setting.engine_flags, at) as found,
        _before(setting, found, more, hosts) as stage,
    ):
        yield stage


@asynccontextmanager
async def staged_before(setting: Setting, engine: Address, more: Sequence[str] = ()) -> AsyncIterator[Stage]:
    """A gateway before an engine that somebody else runs, with a tap between; it cannot be killed, frozen or counted.

    Raises ``ChildFailure``.
    """
    async with tapped(engine) as tap, _before(setting, [Engine("a", tap, setting.logs, ())], more, None) as stage:
        yield stage


@asynccontextmanager
async def _before(
    setting: Setting, found: list[Engine], more: Sequence[str], hosts: Hosts | None
) -> AsyncIterator[Stage]:
    own = free_address()
    if hosts is not None:
        own, more = Address(hosts.gateway_for_clients, own.port), (*more, "--allow-without-keys", "true")
    words = setting.gateway_words(own, [engine.tap.address for engine in found], more)
    log = setting.logs / f"gateway-{own.port}.log"
    with running(hosts.inside(words) if hosts else words, own, log) as child:
        await asyncio.to_thread(child.await_answer, "/readyz", GATEWAY_SECONDS)
        stage = Stage(found, child, own, setting.limits, hosts)
        await all_ready(stage, GATEWAY_SECONDS)
        yield stage


async def all_ready(stage: Stage, seconds: float) -> None:
    """Wait until the gateway holds every engine to be up, and note its idle sockets. Raises ``ChildFailure``."""
    until = perf_counter() + seconds
    while await stage.engines_ready() < len(stage.engines):
        if perf_counter() > until:
            raise ChildFailure("the gateway does not see all engines")
        await asyncio.sleep(_POLL_SECONDS)
    stage.idle_sockets = stage.idle_sockets or open_sockets(stage.gateway.pid)


async def counts(engine: Address) -> dict[str, int]:
    """What became of an engine's chat completions so far: ``open``, ``served``, ``cut_off``."""
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
        found: dict[str, int] = (await client.get(f"{engine.url}/counts")).json()
    return found
