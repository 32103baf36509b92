import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import pytest

from models.engine import EngineError
from service.revision.budget import Limits
from service.revision.events import AnswerDelta, DraftDelta, EditDecided, Event, Finished, RubricWritten
from service.revision.failure import RevisionUnavailable
from service.revision.task import Options
from service.revision.trace import Outcome
from tests.service.revision.scripted import (
    ASK,
    CALL,
    DRAFT,
    ScriptedEngine,
    ScriptedRetriever,
    answer_of,
    edit_json,
    reviser,
    run,
    says,
    task,
)


async def until(events: AsyncGenerator[Event, None], seen: list[Event], *kinds: type) -> None:
    """Read events until there has been one of each kind."""
    while not all(any(isinstance(event, kind) for event in seen) for kind in kinds):
        seen.append(await anext(events))


GONE = EngineError("gone")
FIX = {CALL.text: edit_json("insert_after", 0, "Call 999 FIXED0.")}
CASES: list[tuple[str, ScriptedEngine, Mapping[str, Any]]] = [
    ("rubric_failed", ScriptedEngine(rubric=GONE), {}),
    ("rubric_unreadable", ScriptedEngine(rubric="sorry"), {}),
    ("verdicts_unscored", ScriptedEngine(judge=lambda criterion, answer: GONE), {}),
    ("verdicts_unscored", ScriptedEngine(judge=lambda criterion, answer: None), {}),
    ("verdicts_unscored", ScriptedEngine(critique=GONE), {"logprobs": False}),
    ("verdicts_unscored", ScriptedEngine(critique="sorry"), {"logprobs": False}),
    ("edits_failed", ScriptedEngine(judge=says(CALL), edits={CALL.text: GONE}), {}),
    ("rewrite_failed", ScriptedEngine(judge=says(CALL), edits={CALL.text: ("x",)}, rewrite=GONE), {}),
    ("budget_calls", ScriptedEngine(), {"limits": Limits(max_calls=1)}),
    ("budget_calls", ScriptedEngine(rubric=(CALL, ASK)), {"limits": Limits(max_calls=3)}),
    ("budget_calls", ScriptedEngine(judge=says(CALL), edits=FIX), {"limits": Limits(max_calls=3)}),
    ("budget_tokens", ScriptedEngine(judge=says(CALL), edits=FIX), {"limits": Limits(max_total_tokens=60)}),
]


@pytest.mark.parametrize(("reason", "engine", "means"), CASES)
async def test_a_failure_after_the_draft_returns_the_draft(
    reason: str, engine: ScriptedEngine, means: Mapping[str, Any]
) -> None:
    events, trace = await run(engine, **means)
    assert (trace.outcome, trace.reason, trace.answer) == (Outcome.DEGRADED, reason, DRAFT)
    assert [event.text for event in events if isinstance(event, AnswerDelta)] == [DRAFT]


@pytest.mark.parametrize(("reason", "engine", "means"), CASES)
async def test_a_strict_request_is_told_so(reason: str, engine: ScriptedEngine, means: Mapping[str, Any]) -> None:
    with pytest.raises(RevisionUnavailable) as failure:
        await run(engine, Options(strict=True), **means)
    assert failure.value.reason == reason
    assert engine.open == []


async def test_a_failing_retriever_is_named(caplog: pytest.LogCaptureFixture) -> None:
    _, trace = await run(ScriptedEngine(), retriever=ScriptedRetriever(error=RuntimeError("broken index")))
    assert (trace.outcome, trace.reason, trace.answer) == (Outcome.DEGRADED, "retrieval_failed", DRAFT)
    assert "broken index" in caplog.text


async def test_an_empty_draft_is_not_revised() -> None:
    _, trace = await run(ScriptedEngine(draft=()))
    assert (trace.outcome, trace.reason, trace.answer) == (Outcome.DEGRADED, "empty_draft", "")


async def test_a_failing_control_returns_the_draft() -> None:
    _, trace = await run(ScriptedEngine(improve=GONE), Options(principles="none"))
    assert (trace.outcome, trace.reason, trace.answer) == (Outcome.DEGRADED, "improve_failed", DRAFT)


async def test_one_unscored_verdict_starts_no_edit_and_hinders_none() -> None:
    judge = says(CALL)
    engine = ScriptedEngine(
        rubric=(CALL, ASK), judge=lambda c, answer: None if c == ASK.text else judge(c, answer), edits=FIX
    )
    _, trace = await run(engine)
    assert trace.outcome is Outcome.REVISED
    assert [verdict.met for verdict in trace.before] == [False, None]
    assert [record.criterion for record in trace.edits] == [0]


async def test_a_draft_is_accepted_on_part_of_the_verdicts_by_name() -> None:
    def half(criterion: str, answer: str) -> float | None:
        return None if criterion == ASK.text else 0.9

    _, trace = await run(ScriptedEngine(rubric=(CALL, ASK), judge=half))
    assert (trace.outcome, trace.reason) == (Outcome.ACCEPTED, "verdicts_partly_unscored")


async def test_a_draft_that_outlasts_the_deadline_is_never_cut_and_becomes_the_answer_as_it_is_written() -> None:
    gates = {f"draft::{number}": asyncio.Event() for number in range(3)}
    engine = ScriptedEngine(draft=("Rest. ", "Drink. ", "Sleep."), gates=gates)
    async with aclosing(reviser(engine).run(task(Options(deadline_ms=300)))) as events:
        seen: list[Event] = []
        gates["draft::0"].set()
        await until(events, seen, RubricWritten, DraftDelta)
        await asyncio.sleep(0.31)
        gates["draft::1"].set()
        await until(events, seen, AnswerDelta)
        assert answer_of(seen) == "Rest. Drink. "
        gates["draft::2"].set()
        seen += [event async for event in events]
    assert answer_of(seen) == "Rest. Drink. Sleep."
    assert engine.steps() == ["draft", "rubric"]
    last = seen[-1]
    assert isinstance(last, Finished)
    assert (last.trace.outcome, last.trace.reason) == (Outcome.DEGRADED, "deadline")


async def test_a_strict_request_is_never_answered_with_a_draft_that_outlasts_the_deadline() -> None:
    gate = asyncio.Event()
    engine = ScriptedEngine(gates={"draft::0": gate})
    seen: list[Event] = []
    async with aclosing(reviser(engine).run(task(Options(deadline_ms=100, strict=True)))) as events:
        await until(events, seen, RubricWritten)
        await asyncio.sleep(0.11)
        gate.set()
        with pytest.raises(RevisionUnavailable):
            seen += [event async for event in events]
    assert answer_of(seen) == ""


@pytest.mark.parametrize("held", ["rubric", "verdict"])
async def test_at_the_deadline_what_is_open_is_cancelled_and_the_draft_returned(held: str) -> None:
    engine = ScriptedEngine(judge=says(CALL), edits=FIX, gates={held: asyncio.Event()})
    _, trace = await run(engine, Options(deadline_ms=500))
    assert (trace.outcome, trace.reason, trace.answer) == (Outcome.DEGRADED, "deadline", DRAFT)
    assert engine.cancelled == [held]


async def test_near_the_deadline_the_draft_is_judged_but_not_edited() -> None:
    limits = Limits(edit_reserve_ms=60_000, edit_reserve_share=1.0)
    engine = ScriptedEngine(judge=says(CALL), edits=FIX)
    _, trace = await run(engine, Options(deadline_ms=60_000), limits=limits)
    assert (trace.outcome, trace.reason, trace.answer) == (Outcome.DEGRADED, "deadline_gated", DRAFT)
    assert [verdict.met for verdict in trace.before] == [False]
    assert "edit" not in engine.steps()


async def test_at_the_deadline_finished_edits_are_kept() -> None:
    edits = {**FIX, ASK.text: edit_json("insert_after", 3, "When FIXED1?")}
    engine = ScriptedEngine(
        rubric=(CALL, ASK), judge=says(CALL, ASK), edits=edits, gates={f"edit:{ASK.text}:1": asyncio.Event()}
    )
    events, trace = await run(engine, Options(deadline_ms=800))
    assert (trace.outcome, trace.reason) == (Outcome.REVISED, "deadline")
    assert trace.answer == f"Call 999 FIXED0. {DRAFT}"
    assert [record.refused for record in trace.edits] == [None, "deadline"]
    assert engine.cancelled == ["edit"]
    assert len([event for event in events if isinstance(event, EditDecided)]) == 2


async def test_an_edit_that_never_ends_returns_the_draft() -> None:
    engine = ScriptedEngine(judge=says(CALL), edits=FIX, gates={f"edit:{CALL.text}:0": asyncio.Event()})
    _, trace = await run(engine, Options(deadline_ms=500))
    assert (trace.outcome, trace.reason, trace.answer) == (Outcome.DEGRADED, "deadline", DRAFT)
    assert [record.refused for record in trace.edits] == ["deadline"]


@pytest.mark.parametrize("draft", ["Walk. " * 1_001, "a" * 100_001])
async def test_a_draft_too_long_to_be_edited_is_judged_and_returned(draft: str) -> None:
    _, trace = await run(ScriptedEngine(draft=(draft,), judge=says(CALL), edits=FIX))
    assert (trace.outcome, trace.reason, trace.answer) == (Outcome.DEGRADED, "draft_too_long", draft)
    assert [verdict.met for verdict in trace.before] == [False]
