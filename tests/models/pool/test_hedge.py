import asyncio

import pytest

from models.engine import EngineUnavailable
from models.pool.hedge import MOST_SAVED, HedgeAllowance, hedged
from models.pool.observer import Hedge


class Script:
    """Answers that come when they are let go, and whether they were cancelled."""

    def __init__(self) -> None:
        self.told: list[Hedge] = []
        self.cancelled: list[str] = []

    async def answer(self, name: str, go: asyncio.Event | None = None, error: Exception | None = None) -> str:
        try:
            if go is not None:
                await go.wait()
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise
        if error is not None:
            raise error
        return name


async def test_a_quick_answer_is_asked_for_once() -> None:
    script = Script()
    assert await hedged(script.answer("first"), lambda: script.answer("second"), 5.0, script.told.append) == "first"
    assert script.told == []


async def test_a_slow_one_is_overtaken_and_cut_off() -> None:
    script = Script()
    first = script.answer("first", asyncio.Event())
    assert await hedged(first, lambda: script.answer("second"), 0.0, script.told.append) == "second"
    assert (script.told, script.cancelled) == ([Hedge.WON], ["first"])


async def test_a_slow_one_may_still_win() -> None:
    script, go = Script(), asyncio.Event()

    def second() -> "asyncio.Future[str]":
        asyncio.get_running_loop().call_soon(go.set)
        return asyncio.ensure_future(script.answer("second", asyncio.Event()))

    assert await hedged(script.answer("first", go), second, 0.0, script.told.append) == "first"
    assert (script.told, script.cancelled) == ([Hedge.LOST], ["second"])


async def test_without_a_second_engine_the_first_is_waited_for() -> None:
    script, go = Script(), asyncio.Event()

    def nobody() -> None:
        asyncio.get_running_loop().call_soon(go.set)

    assert await hedged(script.answer("first", go), nobody, 0.0, script.told.append) == "first"
    assert script.told == [Hedge.WITHHELD]


async def test_a_failed_second_call_costs_nothing_but_itself() -> None:
    script, go = Script(), asyncio.Event()

    async def failing() -> str:
        go.set()
        raise EngineUnavailable("second")

    assert await hedged(script.answer("first", go), failing, 0.0, script.told.append) == "first"


async def test_where_both_fail_the_first_ones_error_is_told() -> None:
    script = Script()
    go = asyncio.Event()

    async def failing() -> str:
        go.set()
        raise EngineUnavailable("second")

    with pytest.raises(EngineUnavailable, match="first"):
        await hedged(script.answer("first", go, EngineUnavailable("first")), failing, 0.0, script.told.append)


async def test_who_leaves_takes_both_along() -> None:
    script = Script()
    first = script.answer("first", asyncio.Event())
    task = asyncio.create_task(hedged(first, lambda: script.answer("second", asyncio.Event()), 0.0, script.told.append))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert sorted(script.cancelled) == ["first", "second"]


def test_hedges_are_a_share_of_the_calls() -> None:
    allowance = HedgeAllowance(share=0.05)
    assert sum(allowance.take() for _ in range(100)) == MOST_SAVED
    taken = 0
    for _ in range(1000):
        allowance.earn()
        taken += allowance.take()
    assert taken in (49, 50)
