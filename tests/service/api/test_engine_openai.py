"""The official client against the gateway in front of a real engine; what it says is the model's affair."""

from collections.abc import Iterator

import httpx
import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

from principles.retrieve import Retriever
from service.app import create_app
from service.settings import Settings
from tests.service.api.serving import served

pytestmark = pytest.mark.engine

MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "I have had a bad headache for two days."}]
OUTCOMES = {"accepted", "revised", "rewritten", "kept_draft", "round_limit", "degraded"}


@pytest.fixture(scope="module")
def gateway(engine_url: str, retriever: Retriever) -> Iterator[str]:
    with served(create_app(Settings(engine_url=engine_url), retriever=retriever), lifespan="on") as url:
        assert httpx.get(f"{url}/readyz", timeout=120).status_code == 200
        yield url


@pytest.fixture
def client(gateway: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{gateway}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_both_models_are_listed(client: OpenAI, engine_model: str) -> None:
    assert [model.id for model in client.models.list()] == ["preceptor", engine_model]


def test_a_guided_answer_has_an_outcome_and_usage(client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="preceptor", messages=MESSAGES, max_tokens=64, temperature=0
    )
    answer = raw.parse()
    assert raw.headers["x-preceptor-outcome"] in OUTCOMES
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert (answer.usage.completion_tokens_details.reasoning_tokens or 0) <= answer.usage.completion_tokens


def test_a_guided_stream_ends_with_usage(client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model="preceptor",
        messages=MESSAGES,
        max_tokens=64,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] in ("stop", "length")
    assert chunks[-1].usage is not None


def test_no_rounds_say_what_the_engine_says(client: OpenAI, engine_model: str) -> None:
    plain = client.chat.completions.create(model=engine_model, messages=MESSAGES, max_tokens=48, temperature=0)
    draft = client.chat.completions.create(
        model="preceptor", messages=MESSAGES, max_tokens=48, temperature=0, extra_body={"preceptor": {"rounds": 0}}
    )
    assert draft.choices[0].message.content == plain.choices[0].message.content
    assert plain.usage is not None
    assert draft.usage is not None
    assert draft.usage.completion_tokens == plain.usage.completion_tokens


def test_a_revision_of_an_own_draft_shows_its_trace(gateway: str) -> None:
    own = "Take it easy. It will pass."
    body = {"messages": MESSAGES, "draft": own}
    found = httpx.post(f"{gateway}/v1/revisions", json=body, timeout=120).json()
    assert found["draft"] == own
    assert found["outcome"] in OUTCOMES
    assert found["principles"]
    assert all(step["step"] != "draft" for step in found["usage"]["steps"])


def test_the_engine_caches_what_the_steps_share(gateway: str) -> None:
    body = {"messages": MESSAGES, "max_tokens": 64, "temperature": 0}
    found = httpx.post(f"{gateway}/v1/revisions", json=body, timeout=120).json()
    verdicts = [step for step in found["usage"]["steps"] if step["step"] == "verdict"]
    if found["criteria"]:
        assert verdicts
        assert sum(step["cached_tokens"] for step in verdicts) > 0


def test_what_the_engine_refuses_comes_back_as_its_own_error(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(
            model="preceptor", messages=[{"role": "user", "content": "headache " * 20_000}], max_tokens=8
        )


def test_json_mode_goes_past_the_loop(client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="preceptor", messages=MESSAGES, max_tokens=16, response_format={"type": "json_object"}
    )
    assert raw.headers["x-preceptor-reason"] == "response_format"
