import json
import math
from typing import Any

import pytest

from models import wire
from models.engine import (
    ChatRequest,
    Completion,
    Delta,
    EngineError,
    EngineRefused,
    EngineUnavailable,
    ModelCard,
    Usage,
)

QUESTION = ({"role": "user", "content": "x"},)


def test_body_holds_only_what_is_asked_for() -> None:
    assert json.loads(wire.request_body("m", ChatRequest(messages=QUESTION), stream=False)) == {
        "model": "m",
        "messages": [{"role": "user", "content": "x"}],
    }


def test_body_of_everything() -> None:
    request = ChatRequest(
        messages=QUESTION,
        max_tokens=5,
        temperature=0.0,
        top_p=0.9,
        seed=7,
        stop=("a", "b"),
        top_logprobs=3,
        json_schema={"type": "object"},
        choices=("yes", "no"),
        priority=-1,
        extra={"model": "never", "presence_penalty": 0.5},
    )
    assert json.loads(wire.request_body("m", request, stream=True)) == {
        "model": "m",
        "messages": [{"role": "user", "content": "x"}],
        "max_tokens": 5,
        "temperature": 0.0,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["a", "b"],
        "priority": -1,
        "presence_penalty": 0.5,
        "logprobs": True,
        "top_logprobs": 3,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": {"type": "object"}},
        },
        "structured_outputs": {"choice": ["yes", "no"]},
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_completion_with_everything() -> None:
    value = {
        "choices": [
            {
                "message": {"content": "yes", "reasoning_content": "because"},
                "finish_reason": "length",
                "logprobs": {
                    "content": [
                        {
                            "token": "yes",
                            "logprob": -0.1,
                            "top_logprobs": [{"token": "yes", "logprob": -0.1}, {"token": " no", "logprob": -2.5}],
                        }
                    ]
                },
            }
        ],
        "usage": {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 8}},
    }
    assert wire.completion(value, ms=2.0, attempts=3) == Completion(
        text="yes",
        finish_reason="length",
        usage=Usage(9, 1, 8),
        logprobs={"yes": -0.1, " no": -2.5},
        reasoning="because",
        ms=2.0,
        attempts=3,
    )


def test_tokens_of_one_text_add_up() -> None:
    half = math.log(0.25)
    rows = [{"token": "", "logprob": half}, {"token": "", "logprob": half}]
    logprobs = {"content": [{"token": "", "logprob": half, "top_logprobs": rows}]}
    value = {"choices": [{"message": {"content": ""}, "logprobs": logprobs}]}
    found = wire.completion(value, ms=0.0, attempts=1).logprobs
    assert found is not None
    assert dict(found) == {"": pytest.approx(math.log(0.5))}


@pytest.mark.parametrize(
    "value", [{}, {"choices": []}, {"choices": [{"message": None}]}, {"choices": [{"message": {}, "logprobs": 3}]}]
)
def test_what_is_no_completion_is_malformed(value: dict[str, Any]) -> None:
    with pytest.raises(EngineUnavailable) as caught:
        wire.completion(value, ms=0.0, attempts=1)
    assert (caught.value.status, caught.value.type) == (502, "engine_malformed")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"choices": [{"delta": {"role": "assistant", "content": ""}}]}, None),
        ({"choices": [{"delta": {"content": "a"}, "finish_reason": None}]}, Delta("a")),
        ({"choices": [{"delta": {"reasoning": "r"}}]}, Delta(reasoning="r")),
        ({"choices": [{"delta": {}, "finish_reason": "stop"}]}, Delta(finish_reason="stop")),
        (
            {"choices": [], "usage": {"prompt_tokens": 4, "completion_tokens": 2, "prompt_tokens_details": None}},
            Delta(usage=Usage(4, 2, 0)),
        ),
        ({"choices": []}, None),
    ],
)
def test_chunks(value: dict[str, Any], expected: Delta | None) -> None:
    assert wire.delta(value) == expected


@pytest.mark.parametrize("raw", [b"{", b"[]", b'"x"', b"\xff"])
def test_only_json_objects_are_read(raw: bytes) -> None:
    with pytest.raises(EngineUnavailable):
        wire.read_json(raw)


ERROR = {"message": "too long", "type": "BadRequestError", "param": "input_tokens", "code": 400}


@pytest.mark.parametrize(
    "raw",
    [json.dumps({"error": ERROR}).encode(), json.dumps({"object": "error", **ERROR}).encode()],
    ids=["nested", "flat"],
)
def test_both_error_shapes_of_vllm(raw: bytes) -> None:
    error = wire.error_from(400, raw)
    assert isinstance(error, EngineRefused)
    assert (error.status, error.type, error.message, error.body) == (400, "BadRequestError", "too long", ERROR)


@pytest.mark.parametrize(
    ("status", "raw", "told", "detail"),
    [
        (503, b"", 503, "engine answered 503"),
        (500, b"Internal Server Error", 502, "Internal Server Error"),
        (429, b'{"detail":"busy"}', 429, "busy"),
        (502, b'{"error":"bad gateway"}', 502, "bad gateway"),
        (408, b"{}", 502, "engine answered 408"),
    ],
)
def test_the_engines_own_trouble_is_told_to_its_operator_only(status: int, raw: bytes, told: int, detail: str) -> None:
    error = wire.error_from(status, raw, retry_after=1.0)
    assert isinstance(error, EngineUnavailable)
    assert (error.status, error.message, error.retry_after) == (told, f"engine answered {status}", 1.0)
    assert str(error) == error.message
    assert error.detail == detail


@pytest.mark.parametrize(("code", "kind"), [(400, EngineRefused), (500, EngineUnavailable), (None, EngineUnavailable)])
def test_an_error_object_instead_of_an_answer(code: int | None, kind: type[EngineError]) -> None:
    with pytest.raises(kind):
        wire.delta({"error": {"message": "x", "type": "y", "code": code}})


def test_models() -> None:
    rows = [{"id": "a", "max_model_len": 2048}, {"id": "b"}]
    assert wire.model_cards({"data": rows}) == (ModelCard("a", 2048), ModelCard("b", None))
    with pytest.raises(EngineUnavailable):
        wire.model_cards({"data": None})
