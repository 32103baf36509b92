"""LiteLLM as a client, as published: one run of ``litellm_client.py``, looked at scene by scene."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.clients.asked import LOOP_OUTCOMES
from tests.clients.program import HERE, clients_python, scenes
from tests.clients.running_gateway import Gateway

pytestmark = pytest.mark.engine

Seen = Mapping[str, Any]


@pytest.fixture(scope="module")
def seen(gateway: Gateway, engine_model: str) -> Seen:
    return scenes([clients_python(), HERE / "litellm_client.py"], gateway.base, engine_model)


def test_a_guided_answer_has_outcome_trace_and_usage(seen: Seen) -> None:
    guided = seen["guided"]
    assert guided["content"]
    assert guided["extension"]["outcome"] in LOOP_OUTCOMES
    assert guided["extension"]["trace"]["draft"]
    assert guided["headers"]["llm_provider-x-preceptor-outcome"] == guided["extension"]["outcome"]
    assert guided["usage"]["total_tokens"] == guided["usage"]["prompt_tokens"] + guided["usage"]["completion_tokens"]


def test_a_plain_answer_is_passed_through(seen: Seen) -> None:
    assert seen["plain"]["content"]
    assert seen["plain"]["extension"] is None
    assert seen["plain"]["headers"]["llm_provider-x-preceptor-outcome"] == "bypassed"


@pytest.mark.parametrize(("stream", "whole"), [("stream", "guided"), ("plain_stream", "plain")])
def test_a_stream_adds_up_and_ends_with_usage(seen: Seen, stream: str, whole: str) -> None:
    assert seen[stream]["content"] == seen[whole]["content"]
    assert seen[stream]["finish_reason"] == [seen[whole]["finish_reason"]]
    assert len(seen[stream]["usages"]) == 1
    assert seen[stream]["usages"][0]["completion_tokens"] == seen[whole]["usage"]["completion_tokens"]


def test_asynchronous_calls_give_the_same_answer(seen: Seen) -> None:
    assert seen["asynchronous"] == {"whole": seen["guided"]["content"], "streamed": seen["guided"]["content"]}


def test_a_tool_call_comes_back(seen: Seen) -> None:
    assert seen["tool_call"]["calls"] == [["triage", {"urgency": "now"}]]


@pytest.mark.parametrize(
    ("scene", "kind", "status", "said"),
    [
        ("unknown_model", "NotFoundError", 404, "no model of that name"),
        ("unknown_key", "BadRequestError", 400, "unknown key preceptor.round"),
        ("too_long", "ContextWindowExceededError", 400, "maximum context length"),
        ("bad_stream", "BadRequestError", 400, "top_p"),
    ],
)
def test_errors_are_recognised(seen: Seen, scene: str, kind: str, status: int, said: str) -> None:
    assert (seen[scene]["class"], seen[scene]["status"]) == (kind, status)
    assert said in seen[scene]["message"]
