import re

import pytest

from loadtest.arms import read_guided
from loadtest.client import CallFailure, Client, Reply, Sampling, Spent, read_reply
from tests.loadtest.standin import REVISED_SECONDS, Script, completion, standing_in

SAMPLING = Sampling(temperature=0.8, seed=7, max_tokens=400)
MESSAGES = [{"role": "user", "content": "cough"}]


async def test_a_call_is_timed_and_its_tokens_are_read() -> None:
    script = Script()
    with standing_in(script) as url:
        async with Client(url, timeout_seconds=30) as client:
            assert await client.models() == ["preceptor", "engine/model"]
            reply = await client.chat("preceptor", MESSAGES, SAMPLING, {"preceptor": {"trace": True}})
    assert (reply.spent.prompt_tokens, reply.spent.cached_tokens, reply.spent.output_tokens) == (100, 75, 25)
    assert reply.spent.seconds >= REVISED_SECONDS
    assert read_guided(reply).draft == "draft of cough"
    assert script.bodies == [
        {
            "model": "preceptor",
            "messages": MESSAGES,
            "temperature": 0.8,
            "seed": 7,
            "max_tokens": 400,
            "preceptor": {"trace": True},
        }
    ]


async def test_an_error_status_is_a_failure_with_its_text() -> None:
    with standing_in(Script()) as url:
        async with Client(url, timeout_seconds=30) as client:
            with pytest.raises(CallFailure, match=re.escape("/v1/chat/completions: status 503") + ".*engine away"):
                await client.chat("preceptor", [{"role": "user", "content": "fail"}], SAMPLING)


async def test_nobody_there_is_a_failure() -> None:
    with standing_in(Script()) as url:
        pass
    async with Client(url, timeout_seconds=30) as client:
        with pytest.raises(CallFailure, match="ConnectError"):
            await client.models()


@pytest.mark.parametrize("content", [{}, {"choices": []}, {**completion("a", 1, 0, 1), "usage": None}])
def test_a_reply_of_another_shape_is_a_failure(content: dict[str, object]) -> None:
    with pytest.raises(CallFailure):
        read_reply(content, 0.1)


def test_an_answer_without_an_object_of_the_gateway_was_passed_through() -> None:
    guided = read_guided(Reply("hello", Spent(0.1, 1, 0, 1), {}))
    assert (guided.outcome, guided.draft, guided.criteria) == ("bypassed", "hello", ())


def test_a_gateway_without_a_trace_is_a_failure() -> None:
    with pytest.raises(CallFailure, match="no trace"):
        read_guided(Reply("hello", Spent(0.1, 1, 0, 1), {"outcome": "accepted"}))
