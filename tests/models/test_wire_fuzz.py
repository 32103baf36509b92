"""Whatever bytes or JSON an engine sends, what comes of it is one of our types or one declared error."""

import json
import math
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import sse, wire
from models.engine import ChatRequest, Completion, Delta, EngineError, EngineRefused, EngineUnavailable, ModelCard
from models.judge import JudgeFailure, probability_of_yes
from models.sse import EventDecoder, EventTooLong

NAMES = st.sampled_from(
    [
        *("choices", "message", "delta", "content", "usage", "prompt_tokens", "completion_tokens", "token", "logprob"),
        *("prompt_tokens_details", "cached_tokens", "logprobs", "top_logprobs", "finish_reason", "reasoning", "error"),
        *("reasoning_content", "object", "type", "param", "code", "detail", "data", "id", "max_model_len"),
    ]
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.sampled_from(["error", "yes", "no"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)
MODEL_ROWS = st.fixed_dictionaries({"id": SCALARS}, optional={"max_model_len": SCALARS})
LOGPROBS = st.one_of(st.none(), st.floats(), st.integers(-99, 9), st.text(max_size=3), st.booleans())
ROWS = st.fixed_dictionaries(
    {"token": st.one_of(st.sampled_from(["yes", "no", "The"]), SCALARS), "logprob": LOGPROBS},
    optional={"top_logprobs": VALUES},
)
TOKENS = st.one_of(VALUES, st.lists(st.one_of(ROWS, VALUES), max_size=3))
CHOICES = st.fixed_dictionaries(
    {},
    optional={
        "message": st.one_of(VALUES, st.fixed_dictionaries({}, optional={"content": VALUES, "reasoning": VALUES})),
        "delta": st.one_of(VALUES, st.fixed_dictionaries({}, optional={"content": VALUES, "reasoning": VALUES})),
        "finish_reason": SCALARS,
        "logprobs": st.one_of(VALUES, st.fixed_dictionaries({"content": TOKENS})),
    },
)
ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "choices": st.one_of(VALUES, st.lists(st.one_of(CHOICES, VALUES), min_size=1, max_size=2)),
        "usage": st.one_of(VALUES, st.dictionaries(NAMES, st.one_of(SCALARS, VALUES), max_size=4)),
        "error": VALUES,
        "data": st.one_of(VALUES, st.lists(MODEL_ROWS, max_size=2)),
    },
)
DEEP = 200_000


def is_plain(completion: Completion) -> bool:
    usage = completion.usage
    counts = (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens)
    texts = (completion.text, completion.reasoning, completion.finish_reason or "")
    return (
        all(type(count) is int and count >= 0 for count in counts)
        and usage.cached_tokens <= usage.prompt_tokens
        and all(isinstance(text, str) for text in texts)
        and all(isinstance(p, float) and p <= 0 for p in (completion.logprobs or {}).values())
    )


@settings(deadline=None, max_examples=200)
@given(st.one_of(ANSWERS, st.dictionaries(NAMES, VALUES)))
def test_any_object_is_a_completion_or_an_engine_error(value: dict[str, Any]) -> None:
    try:
        completion = wire.completion(value, ms=0.0, attempts=1)
    except EngineError:
        return
    assert is_plain(completion)
    try:
        probability = probability_of_yes(completion.logprobs)
    except JudgeFailure:
        return
    assert 0.0 <= probability <= 1.0


@settings(deadline=None, max_examples=200)
@given(st.one_of(ANSWERS, st.dictionaries(NAMES, VALUES)))
def test_any_object_is_a_chunk_or_an_engine_error(value: dict[str, Any]) -> None:
    try:
        delta = wire.delta(value)
    except EngineError:
        return
    assert delta is None or (isinstance(delta.text, str) and isinstance(delta.reasoning, str))


@settings(deadline=None)
@given(st.one_of(ANSWERS, st.dictionaries(NAMES, VALUES)))
def test_any_object_is_a_list_of_models_or_an_engine_error(value: dict[str, Any]) -> None:
    try:
        cards = wire.model_cards(value)
    except EngineUnavailable:
        return
    assert all(isinstance(card.id, str) and (card.max_model_len is None or card.max_model_len >= 0) for card in cards)


@settings(deadline=None, max_examples=150)
@given(st.integers(300, 599), st.one_of(st.binary(), VALUES.map(lambda value: json.dumps(value).encode())))
def test_any_error_reply_is_an_engine_error_that_can_be_told(status: int, raw: bytes) -> None:
    error = wire.error_from(status, raw, retry_after=math.inf)
    assert isinstance(error, EngineError)
    assert 400 <= error.status < 600
    assert error.message
    assert error.retry_after is None
    assert orjson.dumps([error.message, error.type, getattr(error, "body", None)])


@settings(deadline=None, max_examples=150)
@given(st.one_of(st.binary(), VALUES.map(lambda value: json.dumps(value).encode())))
def test_any_bytes_are_an_object_or_malformed(raw: bytes) -> None:
    try:
        value = wire.read_json(raw)
    except EngineUnavailable:
        return
    assert isinstance(value, dict)


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(st.sampled_from(["yes", "no", "y", "The", ""]), st.floats() | st.integers(-(10**6), 10**6)))
def test_any_alternatives_are_a_probability_or_a_judge_failure(alternatives: dict[str, float]) -> None:
    try:
        probability = probability_of_yes(alternatives)
    except JudgeFailure:
        return
    assert 0.0 <= probability <= 1.0


@pytest.mark.parametrize("value", [math.nan, math.inf, 800.0, 0.5])
def test_what_is_no_log_probability_is_a_judge_failure(value: float) -> None:
    with pytest.raises(JudgeFailure):
        probability_of_yes({"yes": value, "no": -1.0})
    row = {"token": "yes", "logprob": value}
    with pytest.raises(EngineUnavailable):
        wire.completion(
            {"choices": [{"message": {"content": "yes"}, "logprobs": {"content": [row]}}]}, ms=0.0, attempts=1
        )


def test_a_certain_answer_that_rounding_lifted_above_0_is_certain() -> None:
    assert probability_of_yes({"yes": 1e-7, "no": -40.0}) == pytest.approx(1.0)


@pytest.mark.parametrize("opening", [b"[", b'{"error":', b'{"choices":['])
def test_deep_nesting_is_malformed(opening: bytes) -> None:
    with pytest.raises(EngineUnavailable):
        wire.read_json(opening * DEEP)
    assert wire.error_from(400, opening * DEEP).status == 400


def test_a_deeply_nested_error_can_be_handed_on() -> None:
    nested = b'{"object":"error","message":' + b"[" * 900 + b"]" * 900 + b"}"
    error = wire.error_from(400, nested)
    assert isinstance(error, EngineRefused)
    assert error.body["message"] == "an error that cannot be shown"
    for _ in range(900):
        nested = b'{"error":' + nested[:40] + b"}"
    assert wire.error_from(500, nested).status == 502


@pytest.mark.parametrize("raw", [b"", b"<html>", b"5", b"{}", b'{"error":{}}', b'{"error":[1]}'])
def test_a_refusal_without_an_error_object_is_a_whole_one_all_the_same(raw: bytes) -> None:
    error = wire.error_from(418, raw)
    assert isinstance(error, EngineRefused)
    assert error.body.keys() == {"message", "type", "param", "code"}


def test_a_long_error_is_cut() -> None:
    error = wire.error_from(400, json.dumps({"error": {"message": "x" * 10**6}}).encode())
    assert len(error.message) == 4000


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": "5"},
        {"prompt_tokens": -1},
        {"prompt_tokens": 1.5},
        {"completion_tokens": True},
        {"completion_tokens": 1e300},
        {"prompt_tokens": 1, "prompt_tokens_details": [1]},
        [1],
    ],
)
def test_a_usage_that_counts_nothing_is_malformed(usage: object) -> None:
    with pytest.raises(EngineUnavailable):
        wire.completion({"choices": [{"message": {"content": "x"}}], "usage": usage}, ms=0.0, attempts=1)


@pytest.mark.parametrize("content", [[{"type": "text", "text": "x"}], 5, True, {"a": 1}])
def test_content_that_is_no_text_is_malformed(content: object) -> None:
    with pytest.raises(EngineUnavailable):
        wire.completion({"choices": [{"message": {"content": content}}]}, ms=0.0, attempts=1)
    with pytest.raises(EngineUnavailable):
        wire.delta({"choices": [{"delta": {"content": content}}]})


def test_a_null_delta_says_nothing_and_may_end_the_stream() -> None:
    assert wire.delta({"choices": [{"delta": None}]}) is None
    assert wire.delta({"choices": [{"delta": None, "finish_reason": "stop"}]}) == Delta(finish_reason="stop")


def test_models_with_odd_lengths_are_malformed() -> None:
    assert wire.model_cards({"data": [{"id": "a", "max_model_len": 4096.0}]}) == (ModelCard("a", 4096),)
    for row in ({"id": 5}, {"id": "a", "max_model_len": "long"}):
        with pytest.raises(EngineUnavailable):
            wire.model_cards({"data": [row]})


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "extra", [{"x": nested(300)}, {"x": 2**64}, {"x": -(2**63) - 1}, {"x": "\ud800"}, {"x": {1, 2}}, {"\udfff": 1}]
)
def test_a_request_that_json_cannot_hold_is_refused(extra: dict[str, Any]) -> None:
    request = ChatRequest(messages=({"role": "user", "content": "x"},), extra=extra)
    with pytest.raises(EngineRefused) as caught:
        wire.request_body("m", request, stream=False)
    assert caught.value.status == 400
    assert caught.value.body["type"] == "invalid_request_error"
    assert caught.value.body["message"] == caught.value.message
    assert caught.value.body.keys() == {"message", "type", "param", "code"}


def test_a_lone_surrogate_in_a_message_is_refused() -> None:
    with pytest.raises(EngineRefused):
        wire.request_body("m", ChatRequest(messages=({"role": "user", "content": "\ud800"},)), stream=True)


@settings(deadline=None)
@given(st.binary(), st.integers(1, 7))
def test_any_stream_is_events_whatever_its_cuts(body: bytes, step: int) -> None:
    whole, cut = EventDecoder(), EventDecoder()
    pieces = [body[at : at + step] for at in range(0, len(body), step)]
    expected = whole.feed(body) + whole.flush()
    assert [event for piece in pieces for event in cut.feed(piece)] + cut.flush() == expected


def test_empty_data_lines_do_not_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1000)
    decoder = EventDecoder()
    decoder.feed(b"data:\n" * 1000)
    with pytest.raises(EventTooLong):
        decoder.feed(b"data:\n")


def test_a_long_line_is_joined_once() -> None:
    decoder = EventDecoder()
    decoder.feed(b"data: ")
    for _ in range(4 * 1024):
        assert decoder.feed(b"x" * 1024) == []
    assert [len(event) for event in decoder.feed(b"\n\n")] == [4 * 1024 * 1024]
