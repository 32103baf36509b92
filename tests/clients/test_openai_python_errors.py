"""What the official Python client raises, how often it asks again, and when it does not."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from tests.clients.asked import MESSAGES
from tests.clients.conftest import API_KEY, NARROW_BODY_BYTES
from tests.clients.running_gateway import Gateway
from tests.clients.slot import held_slot
from tests.service.api.serving import eventually

pytestmark = pytest.mark.engine

# Longer than the client's own first pause, half a second at most, where no header asks for one.
RETRY_AFTER_S = 1.0


@pytest.fixture
def keyed(narrow: Gateway) -> Iterator[OpenAI]:
    """A client of the narrow gateway, with its retries."""
    with OpenAI(base_url=narrow.base, api_key=API_KEY, max_retries=1) as client:
        yield client


@pytest.mark.parametrize("model", ["no-such-model", "Preceptor"])
def test_an_unknown_model_is_not_found(client: OpenAI, model: str) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model=model, messages=MESSAGES)
    assert (refused.value.status_code, refused.value.code, refused.value.param) == (404, "model_not_found", "model")


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"preceptor": {"round": 1}}, "unknown_parameter", "preceptor.round"),
        ({"preceptor": {"rounds": 9}}, "invalid_request", "preceptor.rounds"),
        ({"temperature": "warm"}, "invalid_request", "temperature"),
        ({"messages": []}, "invalid_request", "messages"),
        ({"echo": True}, "unsupported_parameter", "echo"),
    ],
)
def test_a_bad_request_names_the_field(client: OpenAI, fields: dict[str, object], code: str, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="preceptor", messages=MESSAGES, extra_body=fields)
    assert (refused.value.status_code, refused.value.code, refused.value.param) == (400, code, param)
    assert refused.value.request_id


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("guided", [True, False])
def test_what_the_engine_refuses_comes_back_as_its_own_error(
    client: OpenAI, engine_model: str, guided: bool, stream: bool
) -> None:
    with pytest.raises(openai.BadRequestError, match="maximum context length"):
        client.chat.completions.create(
            model="preceptor" if guided else engine_model,
            messages=[{"role": "user", "content": "headache " * 20_000}],
            max_tokens=8,
            stream=stream,
        )


def test_a_wrong_key_is_an_authentication_error(narrow: Gateway, keyed: OpenAI) -> None:
    before = narrow.requests(status="401")
    with pytest.raises(openai.AuthenticationError) as refused:
        keyed.with_options(api_key="another").chat.completions.create(model="preceptor", messages=MESSAGES)
    assert (refused.value.status_code, refused.value.code) == (401, "invalid_api_key")
    assert narrow.requests(status="401") == before + 1
    assert next(model.id for model in keyed.models.list()) == "preceptor"


def test_a_large_body_is_refused_by_its_status(keyed: OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        keyed.chat.completions.create(
            model="preceptor", messages=[{"role": "user", "content": "x" * (NARROW_BODY_BYTES + 1)}]
        )
    assert (refused.value.status_code, refused.value.code) == (413, "body_too_large")


def test_a_full_gateway_is_asked_again_no_sooner_than_it_says(
    narrow: Gateway, keyed: OpenAI, engine_model: str
) -> None:
    before = narrow.requests(status="429")
    with held_slot(narrow, engine_model, API_KEY):
        started = time.monotonic()
        with pytest.raises(openai.RateLimitError) as refused:
            keyed.chat.completions.create(model="preceptor", messages=MESSAGES, max_tokens=8)
        took = time.monotonic() - started
    assert (refused.value.status_code, refused.value.code) == (429, "busy")
    assert refused.value.response.headers["retry-after"] == f"{RETRY_AFTER_S:g}"
    assert narrow.requests(status="429") == before + 2
    assert took >= RETRY_AFTER_S


def test_a_retry_succeeds_once_there_is_room(narrow: Gateway, keyed: OpenAI, engine_model: str) -> None:
    before = narrow.requests(status="429")
    with ThreadPoolExecutor(1) as pool:
        with held_slot(narrow, engine_model, API_KEY):
            answer = pool.submit(
                keyed.chat.completions.create, model="preceptor", messages=MESSAGES, max_tokens=8, temperature=0
            )
            eventually(lambda: narrow.requests(status="429") == before + 1)
        assert answer.result(60).choices[0].message.content
    assert narrow.requests(status="429") == before + 1


def test_an_engine_that_is_away_is_asked_for_again(stranded: Gateway) -> None:
    before = stranded.requests(status="503")
    with (
        OpenAI(base_url=stranded.base, api_key="none", max_retries=1) as client,
        pytest.raises(openai.InternalServerError) as refused,
    ):
        client.chat.completions.create(model="preceptor", messages=MESSAGES)
    assert refused.value.status_code == 503
    assert float(refused.value.response.headers["retry-after"]) > 0
    assert stranded.requests(status="503") == before + 2


async def test_the_asynchronous_client_raises_the_same(gateway: Gateway) -> None:
    async with AsyncOpenAI(base_url=gateway.base, api_key="none", max_retries=0) as client:
        with pytest.raises(openai.NotFoundError):
            await client.chat.completions.create(model="no-such-model", messages=MESSAGES)
        with pytest.raises(openai.BadRequestError):
            await client.chat.completions.create(
                model="preceptor", messages=MESSAGES, stream=True, extra_body={"preceptor": {"round": 1}}
            )
