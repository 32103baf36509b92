import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

import pytest

from models.engine import EngineError
from service.revision.edits import Edit
from service.revision.events import AnswerDelta, EditDecided, Event, Finished
from service.revision.rubric import Criterion
from service.revision.task import Options, Sampling, Task
from service.revision.trace import EditRecord, Outcome
from tests.service.revision.scripted import (
    ASK,
    CALL,
    DRAFT,
    FAULT,
    QUESTION,
    Judge,
    ScriptedEngine,
    answer_of,
    edit_json,
    reviser,
    run,
    says,
    task,
)


def gates(*names: str) -> dict[str, asyncio.Event]:
    return {name: asyncio.Event() for name in names}


async def until_answer(events: AsyncGenerator[Event, None], text: str) -> list[Event]:
    """Take events until this much of the answer has been sent."""
    seen: list[Event] = []
    while not answer_of(seen).endswith(text):
        seen.append(await asyncio.wait_for(anext(events), 2))
    return seen


async def refusals(
    edits: Mapping[str, Sequence[str] | EngineError], judge: Judge, rubric: tuple[Criterion, ...] = (CALL,)
) -> tuple[list[str | None], Outcome, str]:
    """How the edits were refused, the outcome, and the answer."""
    engine = ScriptedEngine(rubric=rubric, judge=judge, edits=edits)
    _, trace = await run(engine)
    reasons = {record.criterion: record.refused for record in trace.edits}
    return [reasons.get(index) for index in range(len(rubric))], trace.outcome, trace.answer


async def test_the_untouched_prefix_streams_while_the_edit_is_still_being_written() -> None:
    held = gates(f"edit:{ASK.text}:1")
    engine = ScriptedEngine(
        rubric=(ASK,),
        judge=says(ASK),
        edits={ASK.text: edit_json("replace", 3, "When did it begin FIXED0?")},
        gates=held,
    )
    async with aclosing(reviser(engine).run(task())) as events:
        seen = await until_answer(events, "Chest pain has many causes. Rest for a while.")
        assert engine.open == ["edit"]
        assert not any(isinstance(event, EditDecided) for event in seen)
        held[f"edit:{ASK.text}:1"].set()
        seen += [event async for event in events]
    assert answer_of(seen) == "Chest pain has many causes. Rest for a while. When did it begin FIXED0?"


async def test_nothing_streams_while_the_place_of_any_edit_is_unknown() -> None:
    held = gates(f"edit:{CALL.text}:0")
    engine = ScriptedEngine(
        rubric=(CALL, ASK),
        judge=says(CALL, ASK),
        edits={
            CALL.text: edit_json("insert_after", 2, "Call 999 now FIXED0."),
            ASK.text: edit_json("insert_after", 3, "When FIXED1?"),
        },
        gates=held,
    )
    async with aclosing(reviser(engine).run(task())) as events:
        seen: list[Event] = []
        while not any(isinstance(event, EditDecided) for event in seen):
            seen.append(await anext(events))
        assert answer_of(seen) == ""
        held[f"edit:{CALL.text}:0"].set()
        seen += [event async for event in events]
    assert answer_of(seen).endswith("Rest for a while. Call 999 now FIXED0. See a doctor if it stays. When FIXED1?")


async def test_a_sentence_waits_for_its_own_check_and_later_ones_wait_for_earlier_edits() -> None:
    held = gates(f"edit:{FAULT.text}:1")
    engine = ScriptedEngine(
        rubric=(FAULT, ASK),
        judge=says(FAULT, ASK),
        edits={
            FAULT.text: edit_json("replace", 2, "Keep still FIXED0."),
            ASK.text: edit_json("insert_after", 3, "When FIXED1?"),
        },
        gates=held,
    )
    async with aclosing(reviser(engine).run(task())) as events:
        seen: list[Event] = []
        while not any(isinstance(event, EditDecided) for event in seen):
            seen.append(await anext(events))
        assert answer_of(seen) == "Chest pain has many causes."
        held[f"edit:{FAULT.text}:1"].set()
        seen += [event async for event in events]
    assert answer_of(seen) == "Chest pain has many causes. Keep still FIXED0. See a doctor if it stays. When FIXED1?"


async def test_edits_are_written_in_parallel_and_checked_beside_each_other() -> None:
    held = gates(f"edit:{ASK.text}:1")
    engine = ScriptedEngine(
        rubric=(CALL, ASK),
        judge=says(CALL, ASK),
        edits={
            CALL.text: edit_json("insert_after", 0, "Call 999 now FIXED0."),
            ASK.text: edit_json("insert_after", 3, "When FIXED1?"),
        },
        gates=held,
    )
    async with aclosing(reviser(engine).run(task())) as events:
        seen = await until_answer(events, "See a doctor if it stays.")
        assert engine.open == ["edit"]
        assert engine.steps()[-1] == "verdict"
        held[f"edit:{ASK.text}:1"].set()
        seen += [event async for event in events]
    decided = [event.record.criterion for event in seen if isinstance(event, EditDecided)]
    assert decided == [0, 1]


async def test_an_edit_that_does_not_put_its_criterion_right_is_not_kept() -> None:
    edits = {CALL.text: edit_json("insert_after", 0, "Be calm.")}
    assert await refusals(edits, says(CALL)) == (["not_better"], Outcome.KEPT_DRAFT, DRAFT)


async def test_an_edit_whose_check_cannot_be_read_is_not_kept() -> None:
    edits = {CALL.text: edit_json("insert_after", 0, "Call 999.")}

    def judge(criterion: str, answer: str) -> float | None:
        return None if "999" in answer else 0.1

    assert await refusals(edits, judge) == (["unscored"], Outcome.DEGRADED, DRAFT)


async def test_the_guard_refuses_before_any_check() -> None:
    draft = ("Take ibuprofen 400 mg. Rest.",)
    engine = ScriptedEngine(
        draft=draft, rubric=(ASK,), judge=says(ASK), edits={ASK.text: edit_json("replace", 1, "When FIXED0?")}
    )
    events, trace = await run(engine)
    assert trace.edits == [EditRecord(0, Edit("replace", 1, "When FIXED0?"), "lost_number")]
    assert (trace.outcome, trace.answer) == (Outcome.KEPT_DRAFT, draft[0])
    assert engine.steps().count("verdict") == 1
    assert [event.text for event in events if isinstance(event, AnswerDelta)] == [draft[0]]


async def test_of_two_edits_to_one_sentence_one_is_kept() -> None:
    edits = {
        FAULT.text: edit_json("replace", 2, "Keep still FIXED0 FIXED1."),
        ASK.text: edit_json("replace", 2, "When did it begin FIXED1?"),
    }
    reasons, outcome, answer = await refusals(edits, says(FAULT, ASK), (FAULT, ASK))
    assert sorted(reasons, key=str) == [None, "conflict"]
    assert outcome is Outcome.REVISED
    assert answer.count("FIXED1") == 1


async def test_an_unreadable_edit_beside_a_good_one_is_refused_alone() -> None:
    edits = {CALL.text: ("sorry",), ASK.text: edit_json("insert_after", 3, "When FIXED1?")}
    reasons, outcome, answer = await refusals(edits, says(CALL, ASK), (CALL, ASK))
    assert (reasons, outcome) == (["unreadable", None], Outcome.REVISED)
    assert answer == f"{DRAFT} When FIXED1?"


async def test_a_failed_edit_beside_a_good_one_is_refused_alone() -> None:
    fine = edit_json("insert_after", 3, "When FIXED1?")
    edits: dict[str, Sequence[str] | EngineError] = {CALL.text: EngineError("gone"), ASK.text: fine}
    reasons, outcome, _ = await refusals(edits, says(CALL, ASK), (CALL, ASK))
    assert (reasons, outcome) == (["failed", None], Outcome.REVISED)


@pytest.mark.parametrize(("operation", "kept"), [("insert_after", True), ("replace", False), ("delete", False)])
async def test_words_are_not_taken_away_from_a_severe_criterion(operation: str, kept: bool) -> None:
    severe = Criterion("Mentions the many causes", 8)

    def judge(criterion: str, answer: str) -> float:
        if criterion == severe.text:
            return 0.9 if "many causes" in answer else 0.1
        return 0.9 if answer != DRAFT else 0.1

    edits = {ASK.text: edit_json(operation, 1, "" if operation == "delete" else "When did it begin?")}
    reasons, outcome, answer = await refusals(edits, judge, (severe, ASK))
    assert reasons == [None, None if kept else "not_better"]
    assert outcome is (Outcome.REVISED if kept else Outcome.KEPT_DRAFT)
    assert "many causes" in answer


async def test_a_rewrite_takes_over_where_no_edit_can_be_read() -> None:
    engine = ScriptedEngine(
        rubric=(CALL, ASK),
        judge=says(CALL, ASK),
        edits={CALL.text: ("sorry",), ASK.text: ("{",)},
        rewrite=f"Call 999 now FIXED0. {DRAFT}\n",
    )
    events, trace = await run(engine)
    assert (trace.outcome, trace.answer) == (Outcome.REWRITTEN, f"Call 999 now FIXED0. {DRAFT}")
    assert [record.refused for record in trace.edits] == ["unreadable", "unreadable"]
    assert [verdict.met for verdict in trace.after] == [True, False]
    assert isinstance(events[-1], Finished)


@pytest.mark.parametrize(
    "rewrite",
    ["Be calm, all will be well.", "", "Call 999 now FIXED0.</answer>", "请立即拨打FIXED0急救电话,不要等待,不要开车。"],
)
async def test_a_rewrite_that_is_no_better_is_not_kept(rewrite: str) -> None:
    engine = ScriptedEngine(rubric=(CALL,), judge=says(CALL), edits={CALL.text: ("sorry",)}, rewrite=rewrite)
    _, trace = await run(engine)
    assert (trace.outcome, trace.reason, trace.answer) == (Outcome.KEPT_DRAFT, "rewrite_refused", DRAFT)


async def test_once_something_was_sent_no_rewrite_is_tried() -> None:
    engine = ScriptedEngine(rubric=(CALL,), judge=says(CALL), edits={CALL.text: ('{"replace":3,', "cut")})
    _, trace = await run(engine)
    assert (trace.outcome, trace.answer) == (Outcome.KEPT_DRAFT, DRAFT)
    assert "rewrite" not in engine.steps()


async def test_a_second_round_follows_only_while_something_severe_is_open() -> None:
    engine = ScriptedEngine(
        rubric=(CALL, ASK),
        judge=says(CALL, ASK),
        edits={
            CALL.text: edit_json("insert_after", 0, "Be calm."),
            ASK.text: edit_json("insert_after", 3, "When FIXED1?"),
        },
    )
    _, one = await run(engine, Options(rounds=1))
    assert (one.outcome, one.rounds) == (Outcome.REVISED, 1)
    events, two = await run(engine, Options(rounds=2))
    assert (two.outcome, two.rounds) == (Outcome.ROUND_LIMIT, 2)
    assert [record.refused for record in two.edits].count("not_better") == 2
    assert two.answer == one.answer == f"{DRAFT} When FIXED1?"
    assert [event for event in events if isinstance(event, AnswerDelta)]


async def test_a_second_round_can_put_right_what_the_first_did_not() -> None:
    def judge(criterion: str, answer: str) -> float:
        if criterion == CALL.text:
            return 0.9 if "999" in answer and "When" in answer else 0.1
        return 0.9 if "When" in answer else 0.1

    held = gates(f"edit:{ASK.text}")
    engine = ScriptedEngine(
        rubric=(CALL, ASK),
        judge=judge,
        edits={CALL.text: edit_json("insert_after", 0, "Call 999."), ASK.text: edit_json("insert_after", 3, "When?")},
        gates=held,
    )
    async with aclosing(reviser(engine).run(task(Options(rounds=3)))) as events:
        seen: list[Event] = []
        while not any(isinstance(event, EditDecided) for event in seen):
            seen.append(await anext(events))
        held[f"edit:{ASK.text}"].set()
        seen += [event async for event in events]
    last = seen[-1]
    assert isinstance(last, Finished)
    assert (last.trace.outcome, last.trace.rounds) == (Outcome.REVISED, 2)
    assert answer_of(seen) == f"Call 999. {DRAFT} When?"
    assert [verdict.met for verdict in last.trace.before] == [False, False]
    assert [verdict.met for verdict in last.trace.after] == [True, True]


async def test_an_edit_that_brings_the_clients_stop_text_is_refused() -> None:
    edits = {CALL.text: edit_json("insert_after", 0, "Call 999 END FIXED0.")}
    engine = ScriptedEngine(judge=says(CALL), edits=edits)
    events = [event async for event in reviser(engine).run(bounded(Sampling(stop=("END",))))]
    assert refused_in(events) == ["stop"]
    assert answer_of(events) == DRAFT


async def test_edits_are_kept_as_far_as_they_fit_into_the_clients_max_tokens() -> None:
    edits = {
        CALL.text: edit_json("insert_after", 0, "Call 999 FIXED0."),
        ASK.text: edit_json("insert_after", 3, "When FIXED1?"),
    }
    engine = ScriptedEngine(rubric=(CALL, ASK), judge=says(CALL, ASK), edits=edits)
    # The scripted draft counts one token, each edit two.
    for max_tokens, kept in ((5, 2), (4, 1), (3, 1), (2, 0)):
        events = [event async for event in reviser(engine).run(bounded(Sampling(max_tokens=max_tokens)))]
        assert sorted(map(str, refused_in(events))) == sorted(["None"] * kept + ["max_tokens"] * (2 - kept))


def bounded(sampling: Sampling) -> Task:
    return Task(QUESTION, sampling=sampling)


def refused_in(events: Sequence[Event]) -> list[str | None]:
    return [event.record.refused for event in events if isinstance(event, EditDecided)]
