from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.engine import ChatRequest
from models.pool.affinity import key_of, key_of_body, parsed

SYSTEM = {"role": "system", "content": "You are careful."}
ASKED = {"role": "user", "content": "My chest hurts."}
ANSWERED = {"role": "assistant", "content": "Since when?"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


def key(*messages: Any, headers: dict[str, str] | None = None, **fields: Any) -> bytes:
    return key_of_body({"messages": messages, **fields}, headers or {})


def test_every_step_and_every_later_turn_has_the_key_of_the_first() -> None:
    first = key(SYSTEM, ASKED)
    assert key(SYSTEM, ASKED, ANSWERED, {"role": "user", "content": "An hour."}) == first
    request = ChatRequest(messages=(SYSTEM, ASKED, ANSWERED, {"role": "user", "content": "Is it met?"}), max_tokens=1)
    assert key_of(request) == first


def test_another_question_or_another_system_prompt_has_another_key() -> None:
    keys = {key(SYSTEM, ASKED), key(ASKED), key(SYSTEM, {**ASKED, "content": "My head hurts."}), key(SYSTEM)}
    assert len(keys) == 4


def test_what_the_client_names_goes_before_what_it_says() -> None:
    assert key(ASKED, prompt_cache_key="a") == key(SYSTEM, prompt_cache_key="a") != key(ASKED, prompt_cache_key="b")
    assert key(ASKED, user="u") == key(SYSTEM, user="u") != key(ASKED)
    assert key(ASKED, user="u", prompt_cache_key="a") == key(ASKED, user="v", prompt_cache_key="a")
    assert key(ASKED, headers={"X-Session-ID": "s"}, user="u") == key(SYSTEM, headers={"x-session-id": "s"})


def test_a_salt_parts_tenants_and_leaves_their_conversations_apart() -> None:
    assert key(ASKED, cache_salt="a") != key(ASKED, cache_salt="b")
    assert key(ASKED, cache_salt="a") != key(SYSTEM, ASKED, cache_salt="a")


def test_pictures_tell_questions_apart() -> None:
    def asked(url: str) -> dict[str, Any]:
        text = {"type": "text", "text": "What is this?"}
        return {"role": "user", "content": [text, {"type": "image_url", "image_url": {"url": url}}]}

    assert key(asked("data:a")) != key(asked("data:b"))


@pytest.mark.parametrize("field", ["prompt", "input"])
def test_other_requests_go_by_what_they_ask(field: str) -> None:
    assert key_of_body({field: "a"}, {}) != key_of_body({field: "b"}, {})


@given(JSON, JSON)
def test_any_request_has_a_key(messages: Any, named: Any) -> None:
    body = {"messages": messages, "user": named, "cache_salt": named, "prompt": messages}
    assert key_of_body(body, {}) == key_of_body(body, {})
    assert len(key_of_body(body, {})) == 8


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"3", b"\xff"])
def test_what_is_no_object_is_an_empty_request(raw: bytes) -> None:
    assert parsed(raw) == {}


def test_depth_costs_nothing() -> None:
    deep: Any = "x"
    for _ in range(200):
        deep = [deep]
    raw = orjson.dumps({"messages": [{"role": "user", "content": deep}]})
    assert len(key_of_body(parsed(raw), {})) == 8
