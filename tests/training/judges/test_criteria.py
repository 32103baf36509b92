"""Verdicts by an engine: what is asked, how it is read, and what stays unscored."""

import math
import random

import pytest

from models.judge import judge
from models.vllm import VLLMEngine
from service.revision.prompts import load_prompts
from tests.models.scripted import Call, always, serving
from training.evaluation.statistics import agreement
from training.judges.criteria import EngineCriterionJudge
from training.judges.errors import JudgeUnreachable
from training.miniclinic.answers import draft_answer, text_of
from training.miniclinic.cases import make_case
from training.miniclinic.knowledge import load_knowledge
from training.miniclinic.scorer import verdict
from training.trl_adapter.settings import EngineJudge

PROMPT = ({"role": "user", "content": "It hurts."},)
CRITERIA = ("Asks when it began", "Names a dose", "Is kind")


def settings(*urls: str, threshold: float = 0.5, retries: int = 1) -> EngineJudge:
    return EngineJudge(urls=urls, model="m", prompts="compact", threshold=threshold, retries=retries)


def said(**probabilities: float) -> object:
    top = [{"token": word, "logprob": math.log(p)} for word, p in probabilities.items()]
    first = {"token": top[0]["token"], "logprob": top[0]["logprob"], "top_logprobs": top}
    choice = {"message": {"content": "x"}, "finish_reason": "length", "logprobs": {"content": [first]}}
    return {"choices": [choice]}


async def by_criterion(call: Call) -> None:
    """Yes to the first criterion, no to the second, and nonsense to the third."""
    asked = call.json()["messages"][-1]["content"]
    if CRITERIA[0] in asked:
        await call.reply(200, said(yes=0.7, no=0.3))
    elif CRITERIA[1] in asked:
        await call.reply(200, said(yes=0.1, no=0.9))
    else:
        await call.reply(200, said(banana=0.9, apple=0.1))


async def test_each_criterion_is_asked_by_itself_in_the_services_own_words() -> None:
    async with serving(always(by_criterion)) as server:
        judged = EngineCriterionJudge(settings(server.url))
        assert await judged.verdicts(PROMPT, "When did it begin?", CRITERIA) == [True, False, None]
        asked = {call.json()["messages"][-1]["content"]: call.json() for call in server.calls}
        for criterion in CRITERIA:
            messages = load_prompts("compact").verdict(PROMPT, "When did it begin?", criterion)
            assert asked[messages[-1]["content"]]["messages"] == messages
        assert {(body["model"], body["max_tokens"], body["temperature"]) for body in asked.values()} == {("m", 1, 0.0)}
        assert (judged.tally.asked, judged.tally.unscored) == (3, 1)
        await judged.aclose()


@pytest.mark.parametrize(("threshold", "met"), [(0.69, True), (0.71, False)])
async def test_the_threshold_decides(threshold: float, met: bool) -> None:
    async with serving(always(by_criterion)) as server:
        judged = EngineCriterionJudge(settings(server.url, threshold=threshold))
        assert await judged.verdicts(PROMPT, "When?", CRITERIA[:1]) == [met]
        await judged.aclose()


async def test_an_answers_criteria_stay_on_one_engine_and_answers_spread() -> None:
    async with serving(always(by_criterion)) as first, serving(always(by_criterion)) as second:
        judged = EngineCriterionJudge(settings(first.url, second.url))
        for number in range(12):
            before = (len(first.calls), len(second.calls))
            await judged.verdicts(PROMPT, f"Answer {number}.", CRITERIA)
            asked = (len(first.calls) - before[0], len(second.calls) - before[1])
            assert asked in ((3, 0), (0, 3))
        assert first.calls
        assert second.calls
        await judged.aclose()


async def test_a_prompt_that_is_too_long_leaves_its_criteria_unscored() -> None:
    async def too_long(call: Call) -> None:
        await call.reply(400, {"error": {"message": "maximum context length", "type": "BadRequestError"}})

    async with serving(always(too_long)) as server:
        judged = EngineCriterionJudge(settings(server.url))
        assert await judged.verdicts(PROMPT, "x" * 99, CRITERIA) == [None, None, None]
        assert (judged.tally.asked, judged.tally.unscored) == (3, 3)
        await judged.aclose()


async def test_what_cannot_be_sent_is_unscored() -> None:
    async with serving(always(by_criterion)) as server:
        judged = EngineCriterionJudge(settings(server.url))
        assert await judged.verdicts(PROMPT, "half a \ud800 pair", CRITERIA[:1]) == [None]
        await judged.aclose()


async def test_a_server_that_is_no_engine_is_no_judge() -> None:
    async def page(call: Call) -> None:
        await call.reply(200, b"<html></html>")

    async with serving(always(page)) as server:
        judged = EngineCriterionJudge(settings(server.url, retries=0))
        with pytest.raises(JudgeUnreachable, match=f"judge m at {server.url}, 1 attempt: engine sent a malformed"):
            await judged.verdicts(PROMPT, "x", CRITERIA)
        await judged.aclose()


async def test_no_criteria_are_no_calls() -> None:
    judged = EngineCriterionJudge(settings("http://127.0.0.1:9"))
    assert await judged.verdicts(PROMPT, "x", ()) == []


@pytest.mark.engine
async def test_the_bundled_model_judges_the_miniclinics_criteria(engine_url: str, engine_model: str) -> None:
    knowledge = load_knowledge()
    judged = EngineCriterionJudge(EngineJudge(urls=(engine_url,), model=engine_model, prompts="compact"))
    predicted, truth = [], []
    for seed in range(12):
        rng = random.Random(seed)
        case = make_case(knowledge, seed, "heldout")
        answer = text_of(draft_answer(knowledge, case, rng))
        criteria = [knowledge.items[key].criterion[0] for key in case.required]
        read = await judged.verdicts(case.messages, answer, criteria)
        for criterion, met in zip(criteria, read, strict=True):
            true = verdict(knowledge, criterion, answer)
            assert true is not None
            if met is not None:
                predicted.append(met)
                truth.append(true)
    await judged.aclose()
    assert judged.tally.unscored == 0
    assert agreement(predicted, truth).accuracy > 0.9


@pytest.mark.engine
async def test_it_reads_what_the_service_would_read(engine_url: str, engine_model: str) -> None:
    knowledge = load_knowledge()
    case = make_case(knowledge, 5, "heldout")
    answer = text_of(draft_answer(knowledge, case, random.Random(5)))
    criterion = knowledge.items[case.required[0]].criterion[0]
    engine = VLLMEngine(engine_url, engine_model)
    probability = (await judge(engine, load_prompts("compact").verdict(case.messages, answer, criterion))).probability
    await engine.aclose()
    for threshold, met in ((probability - 1e-3, True), (probability + 1e-3, False)):
        if not 0 < threshold < 1:
            continue
        given = EngineJudge(urls=(engine_url,), model=engine_model, prompts="compact", threshold=threshold)
        judged = EngineCriterionJudge(given)
        assert await judged.verdicts(case.messages, answer, [criterion]) == [met]
        await judged.aclose()
