"""Comparisons and scores by an engine: what is asked, how it is read, and what stays unscored."""

import json
import math

import pytest

from models.vllm import VLLMEngine
from service.revision.prompts import Message
from tests.models.scripted import Call, Handler, always, serving
from training.judges.comparisons import EngineComparisonJudge
from training.judges.errors import JudgeUnreachable
from training.judges.scores import EngineScoreJudge
from training.methods.comparisons import DIMENSIONS, UNREADABLE
from training.trl_adapter.settings import EngineJudge

PROMPT: tuple[Message, ...] = ({"role": "user", "content": "It hurts."},)
BETTER = ("first", "tie", "second", "first")


def settings(*urls: str, retries: int = 0) -> EngineJudge:
    return EngineJudge(urls=urls, model="m", prompts="full", retries=retries)


def replying(text: str, finish_reason: str = "stop") -> Handler:
    async def answer(call: Call) -> None:
        await call.reply(200, {"choices": [{"message": {"content": text}, "finish_reason": finish_reason}]})

    return answer


def verdicts(field: str, values: tuple[object, ...]) -> str:
    return json.dumps({d: {"reason": "so", field: value} for d, value in zip(DIMENSIONS, values, strict=True)})


async def test_a_comparison_is_one_call_with_both_replies_in_the_order_shown() -> None:
    async with serving(always(replying(verdicts("better", BETTER)))) as server:
        judged = EngineComparisonJudge(settings(server.url))
        assert await judged.compare(PROMPT, "Rest well.", "Run far.") == BETTER
        [call] = server.calls
        body = call.json()
        [message] = body["messages"]
        place = message["content"].index
        assert place("It hurts.") < place("<first_reply>\nRest well.") < place("<second_reply>\nRun far.")
        schema = body["response_format"]["json_schema"]["schema"]
        assert schema["required"] == list(DIMENSIONS)
        assert (body["temperature"], body["model"]) == (0.0, "m")
        assert (judged.tally.asked, judged.tally.unscored) == (4, 0)
        await judged.aclose()


async def test_scores_are_one_call() -> None:
    async with serving(always(replying(verdicts("score", (1, 2, 5, 3))))) as server:
        judged = EngineScoreJudge(settings(server.url))
        assert await judged.scores(PROMPT, "Rest well.") == (1, 2, 5, 3)
        [call] = server.calls
        assert "<reply>\nRest well.\n</reply>" in call.json()["messages"][0]["content"]
        await judged.aclose()


@pytest.mark.parametrize("text", ["", "The first.", verdicts("better", BETTER)[:-9]])
async def test_a_judge_that_answers_nonsense_leaves_all_unscored(text: str) -> None:
    async with serving(always(replying(text, "length"))) as server:
        compared, scored = EngineComparisonJudge(settings(server.url)), EngineScoreJudge(settings(server.url))
        assert await compared.compare(PROMPT, "a", "b") == UNREADABLE
        assert await scored.scores(PROMPT, "a") == UNREADABLE
        assert (compared.tally.unscored, scored.tally.unscored) == (4, 4)
        await compared.aclose()
        await scored.aclose()


async def test_a_refused_comparison_is_unscored() -> None:
    async def refusing(call: Call) -> None:
        await call.reply(400, {"error": {"message": "maximum context length", "type": "BadRequestError"}})

    async with serving(always(refusing)) as server:
        compared, scored = EngineComparisonJudge(settings(server.url)), EngineScoreJudge(settings(server.url))
        assert await compared.compare(PROMPT, "a", "b") == UNREADABLE
        assert await scored.scores(PROMPT, "a") == UNREADABLE
        await compared.aclose()
        await scored.aclose()


async def test_an_engine_that_fails_for_good_is_no_score() -> None:
    async def failing(call: Call) -> None:
        await call.reply(500, {"error": {"message": "out of memory", "type": "t"}})

    async with serving(always(failing)) as server:
        compared, scored = EngineComparisonJudge(settings(server.url)), EngineScoreJudge(settings(server.url))
        with pytest.raises(JudgeUnreachable, match="out of memory"):
            await compared.compare(PROMPT, "a", "b")
        with pytest.raises(JudgeUnreachable, match="out of memory"):
            await scored.scores(PROMPT, "a")
        await compared.aclose()
        await scored.aclose()


@pytest.mark.engine
async def test_a_model_that_never_learnt_to_compare_is_unscored_or_in_form(engine_url: str, engine_model: str) -> None:
    engine = VLLMEngine(engine_url, engine_model)
    [card] = [card for card in await engine.models() if card.id == engine_model]
    await engine.aclose()
    assert (card.max_model_len or math.inf) > 700
    given = EngineJudge(urls=(engine_url,), model=engine_model, prompts="compact")
    judged = EngineComparisonJudge(given)
    better_D = await judged.compare(PROMPT, "Rest well.", "Run far.")
    assert len(better_D) == 4
    assert set(better_D) <= {"first", "second", "tie", None}
    assert judged.tally.asked == 4
    await judged.aclose()
