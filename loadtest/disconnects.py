"""Clients that leave: requests of every kind, most of them left at a random moment, some waited for to the end.

Invariant: which requests are put, and after how long each is left, depends on the seed alone.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from loadtest.connection import Address, Connection, ConnectionFailure
from loadtest.targets import KINDS, Kind, Target

# One client in so many stays to the end.
_ONE_STAYS_IN = 6


@dataclass(frozen=True, slots=True)
class Visit:
    """One client: what it asks for, and after how many seconds it leaves, if it does."""

    target: Target
    kind: Kind
    leaves_after: float | None


@dataclass(slots=True)
class Visits:
    """What became of the clients: ``left`` before the end, ``answered``, or given a wrong reply."""

    left: int = 0
    answered: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Visits") -> "Visits":
        return Visits(self.left + other.left, self.answered + other.answered, self.faults + other.faults)


def visits(targets: Sequence[Target], number: int, longest_seconds: float, seed: int) -> list[Visit]:
    """So many clients; those that leave do so at any moment up to ``longest_seconds`` with equal chance."""
    chance = random.Random(seed)

    def one() -> Visit:
        stays = chance.randrange(_ONE_STAYS_IN) == 0
        return Visit(
            chance.choice(targets), chance.choice(KINDS), None if stays else chance.uniform(0.0, longest_seconds)
        )

    return [one() for _ in range(number)]


async def visit_all(address: Address, clients: Sequence[Visit], concurrency: int) -> Visits:
    """Have all clients come, ``concurrency`` at a time."""
    outcome, coming = Visits(), iter(clients)
    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(_one_after_another(address, coming, outcome))
    return outcome


async def _one_after_another(address: Address, coming: Iterator[Visit], outcome: Visits) -> None:
    for client in coming:
        try:
            await _visit(address, client, outcome)
        except TimeoutError:
            outcome.left += 1
        except ConnectionFailure as failure:
            outcome.faults[str(failure)] += 1


async def _visit(address: Address, client: Visit, outcome: Visits) -> None:
    connection = await Connection.to(address)
    try:
        async with asyncio.timeout(client.leaves_after):
            reply = await connection.ask(client.target.request(address, client.kind))
    finally:
        connection.close()
    fault = client.target.fault(client.kind, reply)
    if fault is None:
        outcome.answered += 1
    else:
        outcome.faults[fault] += 1
