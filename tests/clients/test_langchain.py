"""LangChain's ChatOpenAI, as published: one run of ``langchain_client.py``, looked at scene by scene."""

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
    return scenes([clients_python(), HERE / "langchain_client.py"], gateway.base, engine_model)


def test_a_guided_answer_has_outcome_and_usage(seen: Seen) -> None:
    guided = seen["guided"]
    assert guided["content"]
    assert guided["metadata"]["headers"]["x-preceptor-outcome"] in LOOP_OUTCOMES
    assert guided["metadata"]["model_name"] == "preceptor"
    usage = guided["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert 0 < usage["output_token_details"]["reasoning"] < usage["output_tokens"]


def test_a_stream_adds_up_to_the_answer_in_one_piece(seen: Seen) -> None:
    assert seen["stream"]["content"] == seen["guided"]["content"]
    assert seen["stream"]["usage"]["output_tokens"] > 0
    assert seen["stream"]["pieces"] > 3
    assert seen["stream"]["metadata"]["finish_reason"] == seen["guided"]["metadata"]["finish_reason"]


def test_asynchronous_calls_give_the_same_answer(seen: Seen) -> None:
    assert seen["asynchronous"] == {"whole": seen["guided"]["content"], "streamed": seen["guided"]["content"]}


def test_the_extension_reaches_the_loop(seen: Seen) -> None:
    assert seen["no_rounds"]["content"] == seen["plain"]["content"]
    assert seen["no_rounds"]["usage"]["output_tokens"] == seen["plain"]["usage"]["output_tokens"]


def test_a_conversation_is_answered(seen: Seen) -> None:
    assert seen["conversation"]["content"]
    assert seen["conversation"]["usage"]["input_tokens"] > seen["guided"]["usage"]["input_tokens"]


@pytest.mark.parametrize("scene", ["tool_call", "streamed_tool_call"])
def test_a_bound_tool_is_called(seen: Seen, scene: str) -> None:
    assert seen[scene]["calls"] == [{"name": "triage", "args": {"urgency": "now"}}]
    assert seen[scene]["metadata"]["finish_reason"] == "tool_calls"


def test_the_answer_of_a_tool_is_read(seen: Seen, engine_model: str) -> None:
    assert seen["tool_answer"]["content"]
    assert seen["tool_answer"]["metadata"]["model_name"] == engine_model


@pytest.mark.parametrize(
    ("scene", "kind", "status", "code"),
    [
        ("unknown_model", "NotFoundError", 404, "model_not_found"),
        ("unknown_key", "BadRequestError", 400, "unknown_parameter"),
    ],
)
def test_errors_keep_their_class_and_code(seen: Seen, scene: str, kind: str, status: int, code: str) -> None:
    assert kind in seen[scene]["classes"]
    assert (seen[scene]["status"], seen[scene]["code"]) == (status, code)
