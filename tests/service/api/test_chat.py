"""The chat resource as clients see it: guided answers, pass-through, errors; by the official client and bare HTTP."""

import asyncio
from typing import Any

import httpx
import openai
import orjson
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.service.api.conftest import Serve
from tests.service.api.scripted_engine import CRITERION, DRAFT, EDIT, ENGINE_MODEL, REVISED, Script
from tests.service.api.serving import eventually, unused_url

CHORE = '### Task:\nSuggest tags.\n{ "tags": ["a"] }\n<chat_history>\nMy chest hurts.\n</chat_history>'
QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "My chest hurts since an hour. What now?"}]


@pytest.fixture
def client(url: str) -> Any:
    with OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        yield client


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "preceptor", "messages": QUESTION, **fields}


def chunks_of(text: str) -> list[dict[str, Any]]:
    datas = [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: ")]
    assert datas[-1] == "[DONE]"
    return [orjson.loads(data) for data in datas[:-1]]


def test_a_draft_that_lacks_something_is_revised(client: OpenAI, script: Script) -> None:
    answer = client.chat.completions.create(model="preceptor", messages=QUESTION)
    assert answer.choices[0].message.content == REVISED
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == "preceptor"
    assert sorted(script.steps()) == ["check", "draft", "edit", "rubric", "verdict"]


def test_a_good_draft_comes_back_byte_for_byte(client: OpenAI, script: Script) -> None:
    script.draft = "Call an ambulance  now.\n\n- Sit down. \n"
    answer = client.chat.completions.with_raw_response.create(model="preceptor", messages=QUESTION)
    assert answer.parse().choices[0].message.content == script.draft
    assert answer.headers["x-preceptor-outcome"] == "accepted"
    assert float(answer.headers["x-preceptor-overhead-ms"]) >= 0
    assert sorted(script.steps()) == ["draft", "rubric", "verdict"]


def test_usage_sums_every_step(client: OpenAI, script: Script) -> None:
    usage = client.chat.completions.create(model="preceptor", messages=QUESTION).usage
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    assert usage.completion_tokens_details is not None
    written = {
        "draft": len(DRAFT.split()),
        "rubric": len(orjson.dumps(script.rubric).decode().split()),
        "edit": len(orjson.dumps(EDIT).decode().split()),
        "verdicts": 2,
    }
    assert usage.prompt_tokens == 500
    assert usage.completion_tokens == sum(written.values())
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.prompt_tokens_details.cached_tokens == 320
    assert usage.completion_tokens_details.reasoning_tokens == usage.completion_tokens - written["draft"]


def test_a_stream_adds_up_to_the_answer(client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model="preceptor", messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == REVISED
    reasons = [c.choices[0].finish_reason for c in chunks if c.choices]
    assert reasons == [None] * (len(reasons) - 1) + ["stop"]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens == 500
    assert {c.id for c in chunks} == {chunks[0].id}


def test_usage_is_streamed_only_when_asked_for(client: OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="preceptor", messages=QUESTION, stream=True))
    assert all(chunk.choices for chunk in chunks)
    last = chunks[-1].model_dump()
    assert (last["preceptor"]["outcome"], last["preceptor"]["reason"]) == ("revised", None)
    assert last["preceptor"]["overhead_ms"] > 0


async def test_the_async_client_streams_too(url: str) -> None:
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        stream = await client.chat.completions.create(model="preceptor", messages=QUESTION, stream=True)
        assert "".join([c.choices[0].delta.content or "" async for c in stream]) == REVISED


def test_a_stream_is_not_to_be_buffered(url: str) -> None:
    response = httpx.post(f"{url}/v1/chat/completions", json=body(stream=True))
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.text.endswith("data: [DONE]\n\n")


def test_stages_are_told_as_reasoning_under_both_names(url: str) -> None:
    response = httpx.post(f"{url}/v1/chat/completions", json=body(stream=True, preceptor={"stages": True}))
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks_of(response.text) if chunk["choices"]]
    told = "".join(delta.get("reasoning", "") for delta in deltas)
    assert told == "".join(delta.get("reasoning_content", "") for delta in deltas)
    assert f"Draft:\n{DRAFT}" in told
    assert f"(+9) {CRITERION}" in told
    assert "1. not satisfied (P 0.04)" in told
    assert "".join(delta.get("content", "") for delta in deltas) == REVISED


def test_stages_are_told_in_a_whole_answer_too(url: str) -> None:
    message = httpx.post(f"{url}/v1/chat/completions", json=body(preceptor={"stages": True})).json()["choices"][0]
    assert message["message"]["reasoning"].startswith(("Draft:\n", "Principles:\n"))
    assert message["message"]["content"] == REVISED


def test_the_trace_is_given_on_request(url: str) -> None:
    trace = httpx.post(f"{url}/v1/chat/completions", json=body(preceptor={"trace": True})).json()["preceptor"]["trace"]
    assert trace["draft"] == DRAFT
    assert trace["criteria"][0]["text"] == CRITERION
    assert trace["criteria"][0]["before"]["satisfied"] is False


def test_silence_is_filled_with_heartbeats(url: str, script: Script) -> None:
    script.first_token_s = 2.0
    response = httpx.post(f"{url}/v1/chat/completions", json=body(stream=True))
    assert response.text.count(": ping\n\n") >= 2
    assert response.text.index('"role":"assistant"') < response.text.index(": ping")


def test_a_draft_that_is_not_shown_does_not_silence_the_heartbeats(url: str, script: Script) -> None:
    script.gap_s = 0.15
    response = httpx.post(f"{url}/v1/chat/completions", json=body(stream=True))
    assert response.text.count(": ping\n\n") >= 2


@pytest.mark.parametrize("stream", [False, True])
def test_the_engine_is_left_when_the_client_leaves(url: str, script: Script, stream: bool) -> None:
    script.first_token_s = 0.3
    script.gap_s = 5.0
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{url}/v1/chat/completions", json=body(stream=stream), timeout=httpx.Timeout(1.0, read=0.15))
    eventually(lambda: "draft" in script.steps() and script.open_calls == 0)
    assert script.cut_off >= 1


async def test_sixty_clients_that_leave_leave_nothing_behind(url: str, script: Script) -> None:
    script.gap_s = 10.0
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(timeout=10, limits=limits) as client:

        async def impatient(stream: bool) -> None:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(2.0):
                    await client.post(f"{url}/v1/chat/completions", json=body(stream=stream))

        await asyncio.gather(*(impatient(number % 2 == 0) for number in range(60)))
    await asyncio.to_thread(eventually, lambda: script.open_calls == 0)
    await asyncio.to_thread(eventually, lambda: "in_flight_requests 0.0" in httpx.get(f"{url}/metrics").text)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"messages": [*QUESTION, {"role": "assistant", "content": "Well,"}]}, "prefill"),
        ({"add_generation_prompt": False}, "prefill"),
        ({"messages": [{"role": "user", "content": CHORE}]}, "client_chore"),
    ],
)
def test_what_the_loop_must_not_touch_goes_past_it(
    url: str, script: Script, fields: dict[str, Any], reason: str
) -> None:
    response = httpx.post(f"{url}/v1/chat/completions", json=body(preceptor={"rounds": 1}, **fields))
    assert response.headers["x-preceptor-outcome"] == "bypassed"
    assert response.headers["x-preceptor-reason"] == reason
    assert response.json()["id"] == "chatcmpl-scripted"
    assert [asked["model"] for asked in script.asked] == [ENGINE_MODEL]
    assert "preceptor" not in script.asked[0]
    assert all(script.asked[0][name] == value for name, value in fields.items())


def test_the_engines_own_model_gets_the_very_bytes(url: str, engine_base: str, script: Script) -> None:
    raw = b'{ "model":"scripted-engine" , "messages":[{"role":"user","content":"caf\\u00e9"}],"min_p":0.1}'
    direct = httpx.post(f"{engine_base}/v1/chat/completions", content=raw)
    passed = httpx.post(f"{url}/v1/chat/completions", content=raw, headers={"x-request-id": "abc-1"})
    assert passed.content == direct.content
    assert script.raw[-1] == raw
    assert script.headers[-1]["x-request-id"] == "abc-1"
    assert passed.headers["x-preceptor-reason"] == "engine_model"


def test_a_stream_of_the_engines_own_model_passes_byte_for_byte(url: str, engine_base: str) -> None:
    wanted = {"model": ENGINE_MODEL, "messages": QUESTION, "stream": True}
    direct = httpx.post(f"{engine_base}/v1/chat/completions", json=wanted)
    passed = httpx.post(f"{url}/v1/chat/completions", json=wanted)
    assert passed.content == direct.content
    assert passed.headers["content-type"] == direct.headers["content-type"]


def test_text_completions_are_passed_on(url: str, script: Script) -> None:
    response = httpx.post(f"{url}/v1/completions", json={"model": ENGINE_MODEL, "prompt": "x", "ignore_eos": True})
    assert response.status_code == 200
    assert script.asked[-1]["ignore_eos"] is True


@pytest.mark.parametrize(
    ("content", "status", "param", "code"),
    [
        (b"", 400, None, "empty_body"),
        (b"{", 400, None, "invalid_json"),
        (b"[]", 400, None, "invalid_json"),
        (b"{}", 400, "model", "invalid_request"),
        (orjson.dumps({**body(), "model": "gpt-9"}), 404, "model", "model_not_found"),
        (orjson.dumps({**body(), "messages": []}), 400, "messages", "invalid_request"),
        (orjson.dumps({**body(), "messages": [{"role": "king"}]}), 400, "messages.0.role", "invalid_request"),
        (orjson.dumps({**body(), "temperature": "hot"}), 400, "temperature", "invalid_request"),
        (orjson.dumps({**body(), "stream": "yes"}), 400, "stream", "invalid_request"),
        (orjson.dumps(body(preceptor={"colour": 1})), 400, "preceptor.colour", "unknown_parameter"),
        (orjson.dumps(body(preceptor={"rounds": 9})), 400, "preceptor.rounds", "invalid_request"),
        (orjson.dumps(body(pad="x" * 5_000_000)), 413, None, "body_too_large"),
    ],
)
def test_errors_are_openai_error_objects(url: str, content: bytes, status: int, param: str | None, code: str) -> None:
    response = httpx.post(f"{url}/v1/chat/completions", content=content)
    assert response.status_code == status
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["param"], error["code"]) == (param, code)


def test_a_body_of_unannounced_size_is_bounded_too(url: str) -> None:
    response = httpx.post(f"{url}/v1/chat/completions", content=(b" " * 65536 for _ in range(100)))
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "body_too_large"


def test_the_clients_exceptions_are_the_usual_ones(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="no model of that name"):
        client.chat.completions.create(model="gpt-9", messages=QUESTION)
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="preceptor", messages=QUESTION, extra_body={"preceptor": {"x": 1}})
    assert raised.value.code == "unknown_parameter"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["preceptor", ENGINE_MODEL])
def test_what_the_engine_refuses_is_passed_on(url: str, script: Script, stream: bool, model: str) -> None:
    refusal = {"error": {"message": "too long", "type": "BadRequestError", "param": "input_tokens", "code": 400}}
    script.refusal = (400, refusal)
    response = httpx.post(f"{url}/v1/chat/completions", json=body(stream=stream) | {"model": model})
    assert (response.status_code, response.json()) == (400, refusal)


@pytest.mark.parametrize("stream", [False, True])
def test_an_engine_that_is_away_is_503_with_retry_after(serve: Serve, stream: bool) -> None:
    url = serve(engine_url=unused_url())
    response = httpx.post(f"{url}/v1/chat/completions", json=body(stream=stream), timeout=20)
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) >= 1
    assert response.json()["error"]["type"] == "engine_unavailable"


def test_an_error_after_the_headers_is_one_event_and_the_end(url: str, script: Script) -> None:
    script.break_after = 3
    response = httpx.post(f"{url}/v1/chat/completions", json=body(stream=True))
    assert response.status_code == 200
    chunks = chunks_of(response.text)
    assert [set(chunk) for chunk in chunks if "error" in chunk] == [{"error"}]
    assert set(chunks[-1]["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("offered", "echoed"), [("trace-1.a:b_c", True), ("x" * 129, False), ("a b", False), ("", False)]
)
def test_request_ids_are_echoed_when_sane(url: str, offered: str, echoed: bool) -> None:
    found = httpx.post(f"{url}/v1/chat/completions", json=body(), headers={"x-request-id": offered}).headers[
        "x-request-id"
    ]
    assert (found == offered) is echoed
    assert 1 <= len(found) <= 128


def test_no_rounds_means_the_draft_alone(url: str, script: Script) -> None:
    response = httpx.post(f"{url}/v1/chat/completions", json=body(preceptor={"rounds": 0}))
    assert response.json()["choices"][0]["message"]["content"] == DRAFT
    assert response.headers["x-preceptor-outcome"] == "bypassed"
    assert script.steps() == ["draft"]


def test_sampling_and_foreign_fields_reach_the_draft_only(url: str, script: Script) -> None:
    fields = {"temperature": 0.3, "top_p": 0.9, "seed": 4, "stop": ["#"], "max_completion_tokens": 77, "min_p": 0.05}
    httpx.post(f"{url}/v1/chat/completions", json=body(**fields))
    draft = next(asked for asked, step in zip(script.asked, script.steps(), strict=True) if step == "draft")
    others = [asked for asked, step in zip(script.asked, script.steps(), strict=True) if step != "draft"]
    assert draft["max_tokens"] == 77
    assert {name: draft[name] for name in ("temperature", "top_p", "seed", "stop", "min_p")} == {
        name: value for name, value in fields.items() if name != "max_completion_tokens"
    }
    assert draft["messages"] == QUESTION
    assert all("min_p" not in asked and asked["temperature"] == 0 for asked in others)
