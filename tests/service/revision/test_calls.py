"""What a request's budget is charged for its calls."""

from contextlib import aclosing

import pytest

from models.engine import ChatRequest, EngineUnavailable
from service.revision.budget import Budget, Limits
from service.revision.calls import Calls
from service.revision.failure import StageFailure
from service.revision.trace import Trace
from tests.service.revision.scripted import ScriptedEngine

REQUEST = ChatRequest(messages=({"role": "user", "content": "My chest hurts."},))


def calls(engine: ScriptedEngine, most: int) -> tuple[Calls, Budget]:
    budget = Budget(Limits(max_calls=most))
    return Calls(engine, budget, Trace()), budget


async def test_a_streams_attempts_are_calls_of_its_budget() -> None:
    for attempts in (1, 3):
        made, budget = calls(ScriptedEngine(attempts=attempts), most=3)
        assert [delta.text async for delta in made.stream("draft", REQUEST)][1]
        if attempts == 1:
            budget.open_call()
            budget.open_call()
        with pytest.raises(StageFailure, match="budget_calls"):
            budget.open_call()


async def test_a_stream_that_is_left_early_has_cost_its_attempts_all_the_same() -> None:
    made, budget = calls(ScriptedEngine(attempts=3), most=3)
    async with aclosing(made.stream("draft", REQUEST)) as deltas:
        await anext(deltas)
    with pytest.raises(StageFailure, match="budget_calls"):
        budget.open_call()


async def test_a_stream_that_fails_before_any_sign_has_cost_one_call() -> None:
    made, budget = calls(ScriptedEngine(draft=EngineUnavailable("gone"), attempts=3), most=2)
    with pytest.raises(EngineUnavailable):
        await anext(made.stream("draft", REQUEST))
    budget.open_call()
    with pytest.raises(StageFailure, match="budget_calls"):
        budget.open_call()
