"""The official Python client, as published, against the gateway; what the answers say is the model's affair."""

import httpx
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from tests.clients.asked import LOOP_OUTCOMES, MESSAGES
from tests.clients.running_gateway import Gateway

pytestmark = pytest.mark.engine


def test_both_models_are_listed(client: OpenAI, engine_model: str) -> None:
    assert [model.id for model in client.models.list()] == ["preceptor", engine_model]


def test_a_guided_answer_has_an_outcome_and_usage(client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="preceptor", messages=MESSAGES, max_tokens=64, temperature=0
    )
    answer = raw.parse()
    assert raw.headers["x-preceptor-outcome"] in LOOP_OUTCOMES
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert 0 < (answer.usage.completion_tokens_details.reasoning_tokens or 0) < answer.usage.completion_tokens


@pytest.mark.parametrize("guided", [True, False])
def test_a_request_id_goes_there_and_back(client: OpenAI, engine_model: str, guided: bool) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="preceptor" if guided else engine_model,
        messages=MESSAGES,
        max_tokens=8,
        extra_headers={"x-request-id": "from-the-client-1"},
    )
    assert raw.headers["x-request-id"] == "from-the-client-1"
    assert raw.parse()._request_id == "from-the-client-1"


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
    assert [chunk.usage is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert {chunk.id for chunk in chunks} == {chunks[0].id}


@pytest.mark.parametrize("guided", [True, False])
def test_a_stream_adds_up_to_the_answer_in_one_piece(client: OpenAI, engine_model: str, guided: bool) -> None:
    model = "preceptor" if guided else engine_model
    whole = client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=200, temperature=0)
    with client.chat.completions.stream(model=model, messages=MESSAGES, max_tokens=200, temperature=0) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.content == whole.choices[0].message.content
    assert final.choices[0].finish_reason == whole.choices[0].finish_reason


async def test_the_asynchronous_client_gets_the_same_answers(gateway: Gateway, client: OpenAI) -> None:
    expected = client.chat.completions.create(model="preceptor", messages=MESSAGES, max_tokens=64, temperature=0)
    async with AsyncOpenAI(base_url=gateway.base, api_key="none", max_retries=0) as own:
        whole = await own.chat.completions.create(model="preceptor", messages=MESSAGES, max_tokens=64, temperature=0)
        stream = await own.chat.completions.create(
            model="preceptor", messages=MESSAGES, max_tokens=64, temperature=0, stream=True
        )
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert whole.choices[0].message.content == text == expected.choices[0].message.content


def test_no_rounds_say_what_the_engine_says(client: OpenAI, engine_model: str) -> None:
    plain = client.chat.completions.create(model=engine_model, messages=MESSAGES, max_tokens=48, temperature=0)
    draft = client.chat.completions.create(
        model="preceptor", messages=MESSAGES, max_tokens=48, temperature=0, extra_body={"preceptor": {"rounds": 0}}
    )
    assert draft.choices[0].message.content == plain.choices[0].message.content
    assert plain.usage is not None
    assert draft.usage is not None
    assert draft.usage.completion_tokens == plain.usage.completion_tokens


def test_the_extension_object_comes_back_as_an_extra_field(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="preceptor",
        messages=MESSAGES,
        max_tokens=64,
        temperature=0,
        extra_body={"preceptor": {"trace": True, "top_k": 3}},
    )
    assert answer.model_extra is not None
    found = answer.model_extra["preceptor"]
    assert found["outcome"] in LOOP_OUTCOMES
    assert len(found["trace"]["principles"]) <= 3


def test_stages_come_as_reasoning_beside_the_same_answer(client: OpenAI) -> None:
    asked = {"model": "preceptor", "messages": MESSAGES, "max_tokens": 64, "temperature": 0, "stream": True}
    silent = client.chat.completions.create(**asked)  # type: ignore[call-overload]
    telling = client.chat.completions.create(  # type: ignore[call-overload]
        **asked, extra_body={"preceptor": {"stages": True}}
    )
    answers, reasoning = [], []
    for chunk in telling:
        delta = chunk.choices[0].delta
        answers.append(delta.content or "")
        reasoning.append(((delta.model_extra or {}).get("reasoning"), getattr(delta, "reasoning_content", None)))
    assert "".join(answers) == "".join(chunk.choices[0].delta.content or "" for chunk in silent)
    told = [pair for pair in reasoning if any(pair)]
    assert told
    assert all(one == other for one, other in told)


def test_a_revision_of_an_own_draft_shows_its_trace(gateway: Gateway) -> None:
    own = "Take it easy. It will pass."
    found = httpx.post(f"{gateway.base}/revisions", json={"messages": MESSAGES, "draft": own}, timeout=120).json()
    assert found["draft"] == own
    assert found["outcome"] in LOOP_OUTCOMES
    assert found["principles"]
    assert all(step["step"] != "draft" for step in found["usage"]["steps"])


def test_the_engine_caches_what_the_steps_share(gateway: Gateway) -> None:
    body = {"messages": MESSAGES, "max_tokens": 64, "temperature": 0}
    found = httpx.post(f"{gateway.base}/revisions", json=body, timeout=120).json()
    verdicts = [step for step in found["usage"]["steps"] if step["step"] == "verdict"]
    if found["criteria"]:
        assert verdicts
        assert sum(step["cached_tokens"] for step in verdicts) > 0


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"n": 2}, "n"),
        ({"logprobs": True, "top_logprobs": 2}, "logprobs"),
    ],
)
def test_what_the_loop_must_not_touch_goes_past_it(client: OpenAI, fields: dict[str, object], reason: str) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="preceptor", messages=MESSAGES, max_tokens=16, extra_body=fields
    )
    answer = raw.parse()
    assert (raw.headers["x-preceptor-outcome"], raw.headers["x-preceptor-reason"]) == ("bypassed", reason)
    assert len(answer.choices) == fields.get("n", 1)
    assert (answer.choices[0].logprobs is not None) == ("logprobs" in fields)


def test_text_completions_are_the_engines(client: OpenAI, engine_model: str) -> None:
    asked = {"model": engine_model, "prompt": "Headache", "max_tokens": 12, "temperature": 0}
    whole = client.completions.create(**asked)  # type: ignore[call-overload]
    pieces = client.completions.create(**asked, stream=True)  # type: ignore[call-overload]
    assert whole.object == "text_completion"
    assert whole.usage.completion_tokens == 12
    assert "".join(piece.choices[0].text for piece in pieces) == whole.choices[0].text


def test_a_model_that_does_not_embed_says_so(client: OpenAI, engine_model: str) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.embeddings.create(model=engine_model, input="headache")
    assert refused.value.response.headers["x-preceptor-outcome"] == "bypassed"
    assert isinstance(refused.value.body, dict)
    assert refused.value.body["message"] == "Not Found"
