"""The checks: what they find, and how soon."""

import asyncio

import pytest

from models.engine import EngineUnavailable
from models.pool.fleet import Fleet
from models.pool.health import State
from tests.models.pool.several import Small, answers, pooled


async def until(fleet: Fleet, place: int, state: State) -> None:
    async with asyncio.timeout(10):
        while fleet.replicas[place].health.state is not state:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_an_engine_is_seen_to_go_and_to_come_back() -> None:
    async with pooled(Small(answers), Small(answers)) as pool:
        watching = asyncio.create_task(pool.fleet.watch(0.05))
        pool.small[0].well = False
        await until(pool.fleet, 0, State.DOWN)
        assert [replica.name for replica in pool.fleet.up] == ["1"]
        pool.small[0].well = True
        await until(pool.fleet, 0, State.UP)
        assert pool.told.states["0"][0] is State.UP
        assert pool.fleet.replicas[0].health.weight < 1.0
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_doubt_is_settled_at_once() -> None:
    async with pooled(Small(answers), Small(answers)) as pool:
        watching = asyncio.create_task(pool.fleet.watch(600.0))
        await asyncio.sleep(0.05)
        pool.fleet.replicas[0].suspect()
        assert pool.fleet.replicas[0].health.state is State.SUSPECT
        await until(pool.fleet, 0, State.UP)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_one_check_of_an_engine_is_under_way_at_a_time() -> None:
    async with pooled(Small(answers)) as pool:
        before = len(pool.small[0].server.calls)
        await asyncio.gather(*(pool.fleet.check(pool.fleet.replicas[0]) for _ in range(20)))
        assert len(pool.small[0].server.calls) == before + 2


async def test_a_fleet_is_ready_as_soon_as_one_engine_is() -> None:
    async with pooled(Small(answers, dead=True), Small(answers, well=False)) as pool:
        assert await pool.fleet.ready() is False
        with pytest.raises(EngineUnavailable):
            await pool.fleet.models()
        pool.small[1].well = True
        assert await pool.fleet.ready() is True
