import asyncio
from contextlib import aclosing

import pytest

from models.engine import EngineError
from service.revision.events import (
    AnswerDelta,
    DraftBegun,
    DraftDelta,
    EditDecided,
    Finished,
    PrinciplesFound,
    RubricWritten,
    VerdictGiven,
)
from service.revision.loop import Reviser
from service.revision.prompts import Message
from service.revision.task import Options, Sampling, Task
from service.revision.trace import Outcome, Verdict
from tests.service.revision.scripted import (
    ASK,
    CALL,
    DRAFT,
    FAULT,
    QUESTION,
    ScriptedEngine,
    ScriptedRetriever,
    answer_of,
    edit_json,
    reviser,
    run,
    says,
    task,
)

FIX_CALL = edit_json("insert_after", 0, "Call 999 now FIXED0.")
FIX_ASK = edit_json("insert_after", 3, "When did it begin FIXED1?")
FIX_FAULT = edit_json("replace", 2, "Keep still FIXED2.")
WRONG = {
    "rubric": (CALL, ASK, FAULT),
    "judge": says(CALL, ASK, FAULT),
    "edits": {CALL.text: FIX_CALL, ASK.text: FIX_ASK, FAULT.text: FIX_FAULT},
}
PUT_RIGHT = (
    "Call 999 now FIXED0. Chest pain has many causes. Keep still FIXED2. See a doctor if it stays. "
    "When did it begin FIXED1?"
)


def wrong_engine(**changes: object) -> ScriptedEngine:
    """An engine whose draft misses all three criteria, and whose edits put them right."""
    return ScriptedEngine(**{**WRONG, **changes})  # type: ignore[arg-type]


async def test_a_draft_that_meets_every_criterion_is_returned_byte_for_byte() -> None:
    engine = ScriptedEngine(draft=("  Call ", "999 now. \n"), rubric=(CALL, FAULT), judge=says())
    events, trace = await run(engine)
    assert trace.outcome is Outcome.ACCEPTED
    assert trace.answer == trace.draft == "  Call 999 now. \n"
    assert engine.steps() == ["draft", "rubric", "verdict", "verdict"]
    assert [event.text for event in events if isinstance(event, DraftDelta)] == ["  Call ", "999 now. \n"]
    assert [verdict.met for verdict in trace.before] == [True, False]
    assert [verdict.probability for verdict in trace.before] == pytest.approx([0.9, 0.1])
    assert (trace.after, trace.edits, trace.reason) == ([], [], None)


async def test_every_unsatisfied_criterion_gets_one_edit() -> None:
    engine = wrong_engine()
    events, trace = await run(engine)
    assert trace.outcome is Outcome.REVISED
    assert trace.answer == PUT_RIGHT
    assert trace.draft == DRAFT
    assert sorted(record.criterion for record in trace.edits) == [0, 1, 2]
    assert all(record.refused is None for record in trace.edits)
    assert [verdict.met for verdict in trace.after] == [True, True, False]
    assert engine.steps().count("edit") == 3
    order = [type(event) for event in events]
    assert order[-1] is Finished
    firsts = [order.index(kind) for kind in (PrinciplesFound, RubricWritten, VerdictGiven, EditDecided)]
    assert firsts == sorted(firsts)


@pytest.mark.parametrize("constrained", [True, False])
async def test_schemas_bind_the_engine_only_where_the_model_needs_them(constrained: bool) -> None:
    engine = wrong_engine()
    _, trace = await run(engine, constrained=constrained)
    assert trace.answer == PUT_RIGHT
    schemas = {step for step, request in engine.calls if request.json_schema is not None}
    assert schemas == ({"rubric", "edit"} if constrained else set())


@pytest.mark.parametrize("rounds", [0, 1])
async def test_where_nobody_watches_nothing_is_streamed_and_the_answer_is_the_same(rounds: int) -> None:
    watched, unwatched = wrong_engine(), wrong_engine()
    options = Options(rounds=rounds)
    live = [event async for event in reviser(watched).run(task(options))]
    quiet = [event async for event in reviser(unwatched).run(task(options, live=False))]
    assert answer_of(quiet) == answer_of(live) == (PUT_RIGHT if rounds else DRAFT)
    assert sorted(watched.streamed) == (["draft", "edit", "edit", "edit"] if rounds else ["draft"])
    assert unwatched.streamed == []
    assert sorted(unwatched.steps()) == sorted(watched.steps())


async def test_every_call_is_in_the_usage_and_every_stage_is_timed() -> None:
    engine = wrong_engine()
    _, trace = await run(engine)
    steps = sorted(step.step for step in trace.usage)
    assert steps == ["check"] * 3 + ["draft"] + ["edit"] * 3 + ["rubric"] + ["verdict"] * 3
    assert trace.timings_ms.keys() == {"draft", "retrieve", "rubric", "verdicts", "edits", "total", "waiting"}
    assert 0 < trace.timings_ms["waiting"] <= trace.timings_ms["total"]
    rubric = next(step for step in trace.usage if step.step == "rubric")
    assert (rubric.prompt_tokens, rubric.cached_tokens, rubric.completion_tokens) == (100, 80, 1)


async def test_the_draft_gets_the_clients_messages_and_sampling_and_the_other_calls_none_of_it() -> None:
    engine = wrong_engine()
    messages: tuple[Message, ...] = ({"role": "system", "content": "Be brief."}, *QUESTION)
    sampling = Sampling(0.7, 0.9, 5, ("END",), 300, {"top_k": 20})
    headers, everywhere = {"x-request-id": "r1", "traceparent": "00-1"}, {"cache_salt": "s"}
    wanted = Task(messages, sampling=sampling, headers=headers, everywhere=everywhere)
    assert [event async for event in reviser(engine).run(wanted)]
    draft = engine.calls[0][1]
    assert draft.messages == messages
    assert (draft.temperature, draft.top_p, draft.seed, draft.stop) == (0.7, 0.9, 5, ("END",))
    assert (draft.max_tokens, draft.extra, draft.json_schema) == (300, {"top_k": 20, **everywhere}, None)
    for step, request in engine.calls[1:]:
        assert (request.temperature, request.top_p, request.seed) == (0.0, None, None)
        assert (request.stop, request.extra) == ((), everywhere)
        assert (request.json_schema is None) == (step == "verdict")
    ids = [request.headers["x-request-id"] for _, request in engine.calls]
    assert {"r1-draft-1", "r1-rubric-1", "r1-verdict-1", "r1-verdict-2", "r1-edit-1"} <= set(ids)
    assert len(set(ids)) == len(ids)
    assert all(request.headers["traceparent"] == "00-1" for _, request in engine.calls)


async def test_an_edit_continues_the_branch_that_judged_its_criterion() -> None:
    engine = wrong_engine()
    await run(engine)
    judged = [list(request.messages) for step, request in engine.calls if step == "verdict"]
    edits = [list(request.messages) for step, request in engine.calls if step == "edit"]
    said = {CALL.text: "no", ASK.text: "no", FAULT.text: "yes"}
    assert len(edits) == 3
    for turns in edits:
        assert turns[:-2] in judged
        criterion = str(turns[-3]["content"]).partition("\n")[2]
        assert turns[-2] == {"role": "assistant", "content": said[criterion]}
        assert "Rest for a while. [2]" in str(turns[-1]["content"])


async def test_the_rubric_is_written_while_the_draft_is() -> None:
    gate = asyncio.Event()
    engine = ScriptedEngine(gates={"draft": gate})
    async with aclosing(reviser(engine).run(task())) as events:
        seen = [type(await anext(events)), type(await anext(events))]
        assert seen == [PrinciplesFound, RubricWritten]
        assert engine.open == ["draft"]
        gate.set()
        rest = [type(event) async for event in events]
    assert rest[:2] == [DraftBegun, DraftDelta]
    assert rest[-1] is Finished


async def test_an_own_draft_is_revised_and_none_is_written() -> None:
    engine = wrong_engine()
    events = [event async for event in reviser(engine).run(task(draft=DRAFT))]
    assert "draft" not in engine.steps()
    assert answer_of(events) == PUT_RIGHT
    assert not any(isinstance(event, DraftDelta) for event in events)


async def test_no_round_streams_the_draft_as_the_answer() -> None:
    engine = ScriptedEngine(draft=("Rest", " well."))
    events, trace = await run(engine, Options(rounds=0))
    assert [event.text for event in events if isinstance(event, AnswerDelta)] == ["Rest", " well."]
    assert (trace.outcome, trace.reason, trace.rounds) == (Outcome.BYPASSED, "rounds=0", 0)
    assert engine.steps() == ["draft"]


async def test_without_principles_the_answer_is_the_models_own_second_try() -> None:
    retriever = ScriptedRetriever()
    engine = ScriptedEngine(improve="Better.")
    _, trace = await run(engine, Options(principles="none"), retriever=retriever)
    assert (trace.outcome, trace.answer, trace.draft) == (Outcome.REWRITTEN, "Better.", DRAFT)
    assert engine.steps() == ["draft", "improve"]
    assert retriever.asked == []


@pytest.mark.parametrize(("options", "asked"), [(Options(top_k=3), 3), (Options(principles="all"), 40)])
async def test_how_many_principles_are_asked_for(options: Options, asked: int) -> None:
    retriever = ScriptedRetriever()
    _, trace = await run(ScriptedEngine(judge=says()), options, retriever=retriever)
    assert retriever.asked == [asked]
    assert trace.principles == [("urgency.call-for-help", 0.9)]
    assert trace.scenario["urgency"] == "emergent"
    assert trace.confidence == {"urgency": 0.8}


async def test_where_no_principle_bears_on_the_question_the_draft_stands() -> None:
    engine = ScriptedEngine()
    _, trace = await run(engine, Options(strict=True), retriever=ScriptedRetriever(hits=()))
    assert (trace.outcome, trace.reason, trace.answer) == (Outcome.BYPASSED, "no_principles", DRAFT)
    assert engine.steps() == ["draft"]


async def test_without_log_probabilities_one_joint_call_judges() -> None:
    def critique(*met: bool) -> str:
        rows = (f'{{"n":{n},"reason":"r","met":{str(m).lower()}}}' for n, m in enumerate(met, start=1))
        return f"[{','.join(rows)}]"

    engine = ScriptedEngine(rubric=(CALL, FAULT), critique=critique(True, False))
    _, trace = await run(engine, logprobs=False)
    assert engine.steps() == ["draft", "rubric", "critique"]
    assert trace.outcome is Outcome.ACCEPTED
    assert trace.before == [Verdict(0, None, True), Verdict(1, None, False)]


async def test_a_failing_draft_is_the_requests_failure() -> None:
    engine = ScriptedEngine(draft=EngineError("gone", status=503))
    with pytest.raises(EngineError, match="gone"):
        await run(engine)
    assert engine.open == []


async def test_requests_share_nothing() -> None:
    engine = wrong_engine()
    one: Reviser = reviser(engine)

    async def answer() -> str:
        return answer_of([event async for event in one.run(task())])

    assert set(await asyncio.gather(*(answer() for _ in range(5)))) == {PUT_RIGHT}


def test_rounds_are_bounded() -> None:
    with pytest.raises(ValueError, match="rounds 4"):
        Options(rounds=4)
