import asyncio

import pytest

from models.engine import EngineError
from service.revision.events import Event
from tests.service.revision.scripted import ASK, CALL, ScriptedEngine, edit_json, reviser, says, task


def held_engine(held: str) -> ScriptedEngine:
    """An engine that never answers one of its steps."""
    return ScriptedEngine(
        rubric=(CALL, ASK),
        judge=says(CALL, ASK),
        edits={
            CALL.text: edit_json("insert_after", 0, "Call FIXED0."),
            ASK.text: edit_json("replace", 3, "When FIXED1?"),
        },
        gates={held: asyncio.Event()},
    )


async def until_only(engine: ScriptedEngine, *steps: str) -> None:
    """Wait until just these calls are open."""
    async with asyncio.timeout(2):
        while sorted(engine.open) != sorted(steps):  # noqa: ASYNC110  (a fake has no event for it)
            await asyncio.sleep(0.001)


CASES = [
    ("draft", ["draft"]),
    ("rubric", ["rubric"]),
    ("verdict", ["verdict", "verdict"]),
    ("edit", ["edit", "edit"]),
    (f"edit:{ASK.text}:1", ["edit"]),
]


@pytest.mark.parametrize(("held", "open_calls"), CASES)
async def test_closing_the_events_cancels_every_call_and_leaves_no_task(held: str, open_calls: list[str]) -> None:
    before = asyncio.all_tasks()
    engine = held_engine(held)
    events = reviser(engine).run(task())
    await anext(events)
    await until_only(engine, *open_calls)
    await events.aclose()
    assert engine.open == []
    assert sorted(engine.cancelled) == sorted(open_calls)
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize(("held", "open_calls"), CASES)
async def test_cancelling_the_reader_cancels_every_call(held: str, open_calls: list[str]) -> None:
    before = asyncio.all_tasks()
    engine = held_engine(held)

    async def read() -> list[Event]:
        return [event async for event in reviser(engine).run(task())]

    reader = asyncio.create_task(read())
    await until_only(engine, *open_calls)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    await asyncio.sleep(0)
    assert engine.open == []
    assert asyncio.all_tasks() == before


async def test_a_failing_draft_cancels_the_rubric() -> None:
    engine = ScriptedEngine(draft=EngineError("gone"), gates={"rubric": asyncio.Event(), "draft": asyncio.Event()})
    events = reviser(engine).run(task())
    await anext(events)
    await until_only(engine, "draft", "rubric")
    engine.gates["draft"].set()
    with pytest.raises(EngineError, match="gone"):
        await anext(events)
    assert engine.open == []
    assert engine.cancelled == ["rubric"]


async def test_events_that_nobody_reads_begin_nothing() -> None:
    engine = ScriptedEngine()
    await reviser(engine).run(task()).aclose()
    assert engine.calls == []
