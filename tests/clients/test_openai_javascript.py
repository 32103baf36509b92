"""The official JavaScript client, as published: one run of ``openai_client.mjs``, looked at scene by scene."""

import json
import shutil
from collections.abc import Mapping
from typing import Any

import pytest

from tests.clients.asked import LONG, LOOP_OUTCOMES
from tests.clients.engine_work import running
from tests.clients.program import HERE, installed, scenes
from tests.clients.running_gateway import Gateway
from tests.clients.scrape import total
from tests.service.api.serving import eventually

pytestmark = pytest.mark.engine

Seen = Mapping[str, Any]


@pytest.fixture(scope="module")
def cancelled_before(gateway: Gateway) -> float:
    return total(gateway.url, "preceptor_cancelled_total")


@pytest.fixture(scope="module")
def seen(gateway: Gateway, engine_model: str, cancelled_before: float) -> Seen:
    node = shutil.which("node")
    if node is None:
        pytest.fail("node is missing; the package manager of this machine has it", pytrace=False)
    installed(HERE / "node_modules" / "openai" / "package.json", "clients")
    return scenes([node, HERE / "openai_client.mjs"], gateway.base, engine_model)


def test_both_models_are_listed(seen: Seen, engine_model: str) -> None:
    assert seen["models"] == ["preceptor", engine_model]


def test_a_guided_answer_has_outcome_trace_and_usage(seen: Seen) -> None:
    guided = seen["guided"]
    assert guided["outcome"] in LOOP_OUTCOMES
    assert guided["data"]["preceptor"]["outcome"] == guided["outcome"]
    assert guided["data"]["preceptor"]["trace"]["draft"]
    assert guided["requestId"].startswith("req-")
    usage = guided["data"]["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_a_plain_answer_is_passed_through(seen: Seen, engine_model: str) -> None:
    assert seen["plain"]["outcome"] == "bypassed"
    assert seen["plain"]["data"]["model"] == engine_model
    assert seen["plain"]["data"]["choices"][0]["message"]["content"]


@pytest.mark.parametrize(("stream", "whole"), [("plainStream", "plain"), ("guidedStream", "guided")])
def test_a_stream_adds_up_and_ends_with_usage(seen: Seen, stream: str, whole: str) -> None:
    choice = seen[whole]["data"]["choices"][0]
    assert seen[stream]["text"] == choice["message"]["content"]
    assert seen[stream]["finishReason"] == choice["finish_reason"]
    assert seen[stream]["lastHasUsage"]
    assert len(seen[stream]["usages"]) == 1
    assert seen[stream]["usages"][0]["completion_tokens"] > 0


def test_the_streaming_helper_puts_the_same_answer_together(seen: Seen) -> None:
    assert seen["helperStream"]["text"] == seen["guided"]["data"]["choices"][0]["message"]["content"]


def test_an_abort_ends_the_work(seen: Seen, gateway: Gateway, engine_url: str, cancelled_before: float) -> None:
    assert seen["abortedStream"]["aborted"]
    assert 5 <= seen["abortedStream"]["chunks"] < LONG["max_tokens"] / 4
    assert seen["abortedWhole"]["name"] == "APIUserAbortError"
    eventually(lambda: total(gateway.url, "preceptor_cancelled_total") == cancelled_before + 2)
    eventually(lambda: running(engine_url) == 0, seconds=60)


@pytest.mark.parametrize("scene", ["toolCall", "plainToolCall"])
def test_a_tool_call_comes_back(seen: Seen, scene: str) -> None:
    choice = seen[scene]["data"]["choices"][0]
    calls = choice["message"]["tool_calls"]
    assert seen[scene]["outcome"] == "bypassed"
    assert [call["function"]["name"] for call in calls] == ["triage"]
    assert json.loads(calls[0]["function"]["arguments"]) == {"urgency": "now"}
    assert choice["finish_reason"] == "tool_calls"


def test_a_tool_call_comes_back_in_pieces(seen: Seen) -> None:
    assert seen["streamedToolCall"] == {
        "names": ["triage"],
        "arguments": {"urgency": "now"},
        "finishReason": "tool_calls",
    }


@pytest.mark.parametrize(
    ("scene", "name", "status", "code", "param"),
    [
        ("unknownModel", "NotFoundError", 404, "model_not_found", "model"),
        ("unknownKey", "BadRequestError", 400, "unknown_parameter", "preceptor.round"),
        ("badStream", "BadRequestError", 400, "invalid_request", "temperature"),
        ("embeddings", "NotFoundError", 404, None, None),
    ],
)
def test_errors_have_their_class(
    seen: Seen, scene: str, name: str, status: int, code: str | None, param: str | None
) -> None:
    error = seen[scene]
    assert (error["name"], error["status"], error["code"], error["param"]) == (name, status, code, param)
    assert error["requestID"].startswith("req-")
