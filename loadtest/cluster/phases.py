"""The run: a control without affinity, then all engines alive, one killed, and the same one back again.

Invariant: a turn belongs to the phase in which it ended, so that one under way when an engine dies is told with those
that the death concerns; the phases of the second arm share their conversations.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from time import perf_counter
from typing import Any

import httpx

from loadtest.cluster.affinity import Life, Served
from loadtest.cluster.balancer import Balancer, balancing
from loadtest.cluster.conversations import Conversation, Shape, conversation
from loadtest.cluster.drive import Turn, Users
from loadtest.cluster.look import Look, ledger, look
from loadtest.cluster.processes import Cluster

CONTROL, ALIVE, KILLED, BACK = "control", "alive", "killed", "back"


@dataclass(frozen=True, slots=True)
class Load:
    """How many users at a time, how they talk, and how long each phase is."""

    users: int = 12
    seconds: float = 40.0
    shape: Shape = field(default_factory=Shape)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase from ``start`` to ``end``, in seconds from the run's start, and the looks at both."""

    name: str
    start: float
    end: float
    before: Look
    after: Look


@dataclass(slots=True)
class Run:
    """Everything that was seen; ``ended_at`` is when engines ended, in seconds from the run's start."""

    phases: list[Phase] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    served: dict[Life, list[Served]] = field(default_factory=dict)
    ended_at: Mapping[Life, float] = field(default_factory=dict)
    connections: Mapping[str, Sequence[int]] = field(default_factory=dict)


class Runner:
    """Runs all phases on one cluster."""

    def __init__(self, cluster: Cluster, load: Load) -> None:
        self._cluster, self._load = cluster, load
        self._run = Run()
        self._started = perf_counter()

    async def run(self) -> Run:
        """Run. Without engines of its own to kill it ends after all were alive. Raises ``ChildFailure``."""
        addresses = [gateway.address for gateway in self._cluster.gateways]
        async with httpx.AsyncClient(timeout=10.0, trust_env=False) as client, balancing(addresses) as (at, balancer):
            control = Users(at, self._conversations(CONTROL), self._run.turns.append)
            async with _talking(control, self._load.users, apart=True, started=self._started):
                await self._phase(client, CONTROL)
            kept = Users(at, self._conversations(ALIVE), self._run.turns.append)
            async with _talking(kept, self._load.users, apart=False, started=self._started):
                await self._phases(client)
            self._run.served.update(await ledger(self._cluster, client))
        self._run.ended_at = {life: at - self._started for life, at in self._cluster.ended_at.items()}
        self._run.connections = _counts(balancer)
        return self._run

    async def _phases(self, client: httpx.AsyncClient) -> None:
        await self._phase(client, ALIVE)
        victim = self._cluster.engines[0]
        if victim.child is None:
            return
        self._run.served.update(await ledger(self._cluster, client))
        await self._phase(client, KILLED, partial(self._cluster.kill, victim))
        await asyncio.to_thread(self._cluster.restart, victim)
        await self._phase(client, BACK)

    async def _phase(self, client: httpx.AsyncClient, name: str, event: Callable[[], None] = lambda: None) -> None:
        """Run a phase that begins with ``event``."""
        start = self._now()
        event()
        before = await look(self._cluster, client)
        await asyncio.sleep(self._load.seconds)
        after = await look(self._cluster, client)
        self._run.phases.append(Phase(name, start, self._now(), before, after))

    def _now(self) -> float:
        return perf_counter() - self._started

    def _conversations(self, arm: str) -> Iterator[Conversation]:
        return (conversation(number, arm, self._load.shape, self._load.seed) for number in count())


class _talking:
    """Have users talk while the block runs, and wait for the turns that are under way at its end."""

    def __init__(self, users: Users, number: int, *, apart: bool, started: float) -> None:
        self._users = users
        self._talk = users.talk(number, apart=apart, started=started)
        self._task: asyncio.Task[None]

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._talk)

    async def __aexit__(self, *_: object) -> None:
        self._users.stop()
        await self._task


def _counts(balancer: Balancer) -> dict[str, Any]:
    return {"opened": balancer.opened, "passed_over": balancer.passed_over}
