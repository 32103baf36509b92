import asyncio
from dataclasses import replace

import httpx
import pytest

from loadtest.connection import Address
from loadtest.disconnects import Visit, visit_all, visits
from loadtest.leftovers import State, left_behind
from loadtest.standin.server import Delays, listening
from loadtest.targets import KINDS, TARGETS

ENGINE = TARGETS[0]
QUIET = State(0, 100, 50, 0.0, 0.0, 70.0, 12, 300.0)


def test_the_seed_decides_who_asks_what_and_leaves_when() -> None:
    clients = visits(TARGETS, 600, 0.25, seed=3)
    assert clients == visits(TARGETS, 600, 0.25, seed=3)
    assert clients != visits(TARGETS, 600, 0.25, seed=4)
    staying = [client for client in clients if client.leaves_after is None]
    assert 60 <= len(staying) <= 140
    assert all(client.leaves_after is None or 0 <= client.leaves_after <= 0.25 for client in clients)
    assert {client.target.name for client in clients} == {target.name for target in TARGETS}
    assert {client.kind for client in clients} == set(KINDS)


async def test_those_that_leave_are_cut_off_at_the_engine_and_those_that_stay_are_answered() -> None:
    leaving = [Visit(ENGINE, kind, 0.05) for kind in KINDS for _ in range(3)]
    staying = [Visit(ENGINE, kind, None) for kind in KINDS]
    async with listening(0, Delays(gap_seconds=0.02, answer_seconds=0.4)) as port:
        outcome = await visit_all(Address("127.0.0.1", port), [*leaving, *staying], concurrency=4)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            counts = await closed_counts(client)
    assert (outcome.left, outcome.answered, outcome.faults.total()) == (6, 2, 0)
    assert counts == {"open": 0, "served": 2, "cut_off": 6}


async def closed_counts(client: httpx.AsyncClient) -> dict[str, int]:
    async with asyncio.timeout(20):
        while True:
            counts: dict[str, int] = (await client.get("/counts")).json()
            if not counts["open"]:
                return counts


async def test_a_server_that_is_away_is_a_wrong_reply() -> None:
    async with listening(0, Delays()) as port:
        pass
    outcome = await visit_all(Address("127.0.0.1", port), [Visit(ENGINE, "json", None)], concurrency=1)
    assert (outcome.left, outcome.answered, outcome.faults.total()) == (0, 0, 1)


def test_nothing_is_left_where_all_is_as_before() -> None:
    assert left_behind(QUIET, QUIET, replace(QUIET, sockets=14, resident_mib=309.9), 10.0) == []


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (replace(QUIET, open_calls=2), "2 calls open at the engine"),
        (replace(QUIET, in_flight=1.0), "1 requests in flight at the gateway"),
        (replace(QUIET, queued=3.0), "3 requests queued at the gateway"),
        (replace(QUIET, sockets=15), "3 sockets more than at the start"),
        (replace(QUIET, resident_mib=310.5), "10.5 MiB grown over the second half, more than 10"),
    ],
)
def test_what_is_left_is_told(after: State, told: str) -> None:
    assert left_behind(QUIET, QUIET, after, 10.0) == [told]
