"""An overhead run: every target under the same load, in turns, several times over.

Invariant: within a repeat the targets follow each other and never run at once; each is warmed up first, and whatever
it is asked for is bounded in number and in time.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import httpx

from loadtest.child import Child
from loadtest.connection import Connections
from loadtest.cpu import tree_cpu_seconds
from loadtest.load import Asker, Load, closed_loop, open_loop, schedule
from loadtest.quantiles import buckets, difference
from loadtest.servers import GATEWAY
from loadtest.targets import KINDS, Kind, Target

STEADY = "steady"
OVERHEAD_METRIC = "preceptor_overhead_seconds"
# Where a target cannot hold the wanted rate, it is measured at this share of what it holds in a closed loop.
_SHARE_OF_CAPACITY = 0.7
_HOLDS = 1.2
# A 99th percentile needs more requests than a mean does.
_STEADY_TIMES = 2
_IDLE_SECONDS = 2.0
_WARM_UP_REQUESTS, _WARM_UP_SECONDS, _WARM_UP_CONCURRENCY = 100, 3.0, 4


@dataclass(frozen=True, slots=True)
class Plan:
    """The load: closed loops of each ``concurrency``, then ``rate`` requests a second, all of it ``repeats`` times."""

    targets: tuple[Target, ...]
    concurrency: tuple[int, ...]
    rate: float
    requests: int
    seconds: float
    repeats: int

    @property
    def steps(self) -> int:
        """How many stretches of load there are, warm-up included."""
        return len(self.targets) * len(KINDS) * (1 + self.repeats * (len(self.concurrency) + 1))

    def without(self, names: Collection[str]) -> "Plan":
        """The same load on the other targets."""
        return replace(self, targets=tuple(target for target in self.targets if target.name not in names))


@dataclass(frozen=True, slots=True)
class Stretch:
    """One target under one load. ``rate`` is the offered one, None in a closed loop."""

    target: str
    kind: Kind
    level: str
    repeat: int
    load: Load
    cpu_seconds: float
    rate: float | None = None
    overhead_buckets: Mapping[float, float] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """The stretch as JSON has it."""
        return {
            "target": self.target,
            "kind": self.kind,
            "level": self.level,
            "repeat": self.repeat,
            "offered_rate": self.rate,
            "seconds": round(self.load.seconds, 4),
            "cpu_seconds": round(self.cpu_seconds, 4),
            "client_cpu_seconds": round(self.load.client_cpu_seconds, 4),
            "faults": dict(self.load.faults),
            "latencies_ms": [round(latency, 3) for latency in self.load.latencies_ms],
        }


@dataclass(frozen=True, slots=True)
class WarmedUp:
    """A target that has been warmed up, or why it cannot be measured."""

    target: str
    kind: Kind
    fault: str | None


async def warm_up(plan: Plan, servers: Mapping[str, Child]) -> AsyncIterator[WarmedUp]:
    """Bring every target to its working speed, and find out whether it answers as it should."""
    for target in plan.targets:
        for kind in KINDS:
            asker = _asker(target, servers[target.server], kind)
            load = await closed_loop(asker, _WARM_UP_CONCURRENCY, _WARM_UP_REQUESTS, _WARM_UP_SECONDS)
            asker.connections.close()
            yield WarmedUp(target.name, kind, next(iter(load.faults), None))


async def idle_cpu_ms(servers: Mapping[str, Child]) -> dict[str, float]:
    """CPU milliseconds that each server spends in a second in which nobody asks anything."""
    before = {name: tree_cpu_seconds(server.pid) for name, server in servers.items()}
    await asyncio.sleep(_IDLE_SECONDS)
    spent = {name: tree_cpu_seconds(server.pid) - before[name] for name, server in servers.items()}
    return {name: round(seconds * 1000 / _IDLE_SECONDS, 1) for name, seconds in spent.items()}


async def measure(plan: Plan, servers: Mapping[str, Child]) -> AsyncIterator[Stretch]:
    """Measure the targets in turns."""
    for repeat in range(1, plan.repeats + 1):
        for kind in KINDS:
            for target in plan.targets:
                async for stretch in _levels(plan, target, servers[target.server], kind, repeat):
                    yield stretch


async def _levels(plan: Plan, target: Target, server: Child, kind: Kind, repeat: int) -> AsyncIterator[Stretch]:
    asker = _asker(target, server, kind)
    capacity = 0.0
    try:
        for concurrency in plan.concurrency:
            cpu = tree_cpu_seconds(server.pid)
            load = await closed_loop(asker, concurrency, plan.requests, plan.seconds)
            cpu = tree_cpu_seconds(server.pid) - cpu
            capacity = max(capacity, len(load.latencies_ms) / load.seconds)
            yield Stretch(target.name, kind, f"c{concurrency}", repeat, load, cpu)
        rate = offered(plan.rate, capacity)
        due = schedule(rate, plan.requests, plan.seconds * _STEADY_TIMES)
        before = _own_overhead(target, server)
        cpu = tree_cpu_seconds(server.pid)
        load = await open_loop(asker, due)
        cpu = tree_cpu_seconds(server.pid) - cpu
        yield Stretch(
            target.name, kind, STEADY, repeat, load, cpu, rate, difference(_own_overhead(target, server), before)
        )
    finally:
        asker.connections.close()


def offered(wanted: float, capacity: float) -> float:
    """The steady rate for a target that has held ``capacity`` requests a second in a closed loop."""
    return wanted if capacity >= wanted * _HOLDS else max(1.0, capacity * _SHARE_OF_CAPACITY)


def _own_overhead(target: Target, server: Child) -> dict[float, float]:
    """The gateway's own histogram of it for chat completions so far; empty for other servers."""
    if target.server != GATEWAY:
        return {}
    text = httpx.get(f"{server.address.url}/metrics", timeout=10.0, trust_env=False).text
    return buckets(text, OVERHEAD_METRIC, route="/v1/chat/completions")


def _asker(target: Target, server: Child, kind: Kind) -> Asker:
    return Asker(Connections(server.address), target.request(server.address, kind), partial(target.fault, kind))
