"""A client that leaves ends the engine's work, at whichever step and however it asked."""

import asyncio
import contextlib

import httpx
import pytest
from openai import APITimeoutError, AsyncOpenAI, OpenAI

from tests.clients.asked import LONG, MESSAGES
from tests.clients.engine_work import long_answers, running
from tests.clients.running_gateway import Gateway
from tests.clients.scrape import total
from tests.service.api.serving import eventually

pytestmark = pytest.mark.engine


def cancelled(gateway: Gateway) -> float:
    return total(gateway.url, "preceptor_cancelled_total")


def idle(engine_url: str) -> bool:
    return running(engine_url) == 0


@pytest.mark.parametrize("guided", [True, False])
def test_leaving_a_stream_stops_the_engine(
    gateway: Gateway, client: OpenAI, engine_model: str, engine_url: str, guided: bool
) -> None:
    counted, ended = cancelled(gateway), long_answers(engine_url)
    extra = {"ignore_eos": True} | ({"preceptor": {"rounds": 0}} if guided else {})
    stream = client.chat.completions.create(
        model="preceptor" if guided else engine_model,
        messages=MESSAGES,
        max_tokens=LONG["max_tokens"],
        stream=True,
        extra_body=extra,
    )
    with stream:
        texts = [chunk for chunk, _ in zip(stream, range(10), strict=False)]
        assert running(engine_url) >= 1
    assert len(texts) == 10
    eventually(lambda: idle(engine_url), seconds=60)
    assert long_answers(engine_url) == ended
    eventually(lambda: cancelled(gateway) == counted + 1)


@pytest.mark.parametrize("guided", [True, False])
def test_giving_up_on_an_answer_in_one_piece_stops_the_engine(
    gateway: Gateway, client: OpenAI, engine_model: str, engine_url: str, guided: bool
) -> None:
    counted, ended = cancelled(gateway), long_answers(engine_url)
    with pytest.raises(APITimeoutError):
        client.with_options(timeout=0.5).chat.completions.create(
            model="preceptor" if guided else engine_model,
            messages=MESSAGES,
            max_tokens=LONG["max_tokens"],
            extra_body={"ignore_eos": True} | ({"preceptor": {"rounds": 0}} if guided else {}),
        )
    eventually(lambda: idle(engine_url), seconds=60)
    assert long_answers(engine_url) == ended
    eventually(lambda: cancelled(gateway) == counted + 1)


async def test_a_cancelled_task_stops_the_engine(gateway: Gateway, engine_model: str, engine_url: str) -> None:
    counted, ended = cancelled(gateway), long_answers(engine_url)
    async with AsyncOpenAI(base_url=gateway.base, api_key="none", max_retries=0) as client:
        asking = asyncio.create_task(
            client.chat.completions.create(
                model=engine_model,
                messages=MESSAGES,
                max_tokens=LONG["max_tokens"],
                extra_body={"ignore_eos": True},
            )
        )
        await asyncio.sleep(0.5)
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
    eventually(lambda: idle(engine_url), seconds=60)
    assert long_answers(engine_url) == ended
    eventually(lambda: cancelled(gateway) == counted + 1)


def test_leaving_during_the_revision_stops_the_engine(gateway: Gateway, engine_url: str) -> None:
    counted, finished = cancelled(gateway), total(gateway.url, "preceptor_outcomes_total")
    body = {"model": "preceptor", "messages": MESSAGES, "stream": True, "preceptor": {"stages": True}}
    with (
        httpx.Client(timeout=60, trust_env=False) as client,
        client.stream("POST", f"{gateway.base}/chat/completions", json=body) as response,
    ):
        told = next(line for line in response.iter_lines() if '"reasoning"' in line)
        assert told
    eventually(lambda: idle(engine_url), seconds=60)
    eventually(lambda: cancelled(gateway) == counted + 1)
    assert total(gateway.url, "preceptor_outcomes_total") == finished
