import asyncio

import pytest

from service.revision.budget import Budget, Level, Limits
from service.revision.failure import Reason, StageFailure


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_calls_are_counted_with_their_retries() -> None:
    budget = Budget(Limits(max_calls=3))
    budget.open_call()
    budget.spend(10, retries=2)
    with pytest.raises(StageFailure, match="budget_calls") as failure:
        budget.open_call()
    assert failure.value.reason is Reason.CALLS


def test_tokens_are_counted_over_all_calls() -> None:
    budget = Budget(Limits(max_total_tokens=100))
    budget.open_call()
    budget.spend(99)
    budget.open_call()
    budget.spend(1)
    with pytest.raises(StageFailure, match="budget_tokens"):
        budget.open_call()


@pytest.mark.parametrize(
    ("deadline_ms", "spent_ms", "level"),
    [
        (None, 10_000_000, Level.GUIDED),
        (120_000, 0, Level.GUIDED),
        (120_000, 115_000, Level.GUIDED),
        (120_000, 116_500, Level.GATED),
        (120_000, 119_500, Level.DRAFT_ONLY),
        (120_000, 130_000, Level.DRAFT_ONLY),
        (2_000, 1_400, Level.GUIDED),
        (2_000, 1_600, Level.GATED),
        (2_000, 1_900, Level.DRAFT_ONLY),
    ],
)
def test_the_ladder_as_time_runs_out(deadline_ms: float | None, spent_ms: float, level: Level) -> None:
    clock = Clock()
    budget = Budget(Limits(), deadline_ms, clock)
    clock.seconds += spent_ms / 1000
    assert budget.level() is level
    for wanted in Level:
        if wanted <= level:
            budget.require(wanted)
        else:
            with pytest.raises(StageFailure, match="deadline"):
                budget.require(wanted)


async def test_a_block_is_cancelled_at_the_deadline() -> None:
    budget = Budget(Limits(), deadline_ms=10)
    with pytest.raises(StageFailure, match="deadline"):
        async with budget.in_time():
            await asyncio.sleep(10)


async def test_without_a_deadline_nothing_is_cancelled() -> None:
    budget = Budget(Limits())
    async with budget.in_time():
        await asyncio.sleep(0)
    assert budget.remaining_ms == float("inf")
