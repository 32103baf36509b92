"""Tools and images by way of the official Python client: both are the engine's affair, whichever model is named."""

import json

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam, ChatCompletionToolChoiceOptionParam
from tokenizers import Tokenizer

from tests.clients.asked import CALLS_TRIAGE, MESSAGES, TRIAGE, URGENCIES, WITH_IMAGE
from tests.clients.program import ROOT

pytestmark = pytest.mark.engine

NAMED: ChatCompletionToolChoiceOptionParam = {"type": "function", "function": {"name": "triage"}}


@pytest.fixture(params=["preceptor", "engine's"])
def model(request: pytest.FixtureRequest, engine_model: str) -> str:
    return "preceptor" if request.param == "preceptor" else engine_model


@pytest.fixture(scope="module")
def terse() -> dict[str, int]:
    """A bias against every comma that the grammar does not ask for.

    The engine's grammar lets a call have further members, and the bundled model would write them until it is cut off.
    """
    vocabulary = Tokenizer.from_file(str(ROOT / "models" / "bundled" / "tokenizer.json")).get_vocab()
    return {str(number): -100 for token, number in vocabulary.items() if token.startswith(",") or "}," in token}


def called(answer: ChatCompletion) -> tuple[str, str]:
    """The name and the one argument of the only call in an answer."""
    calls = answer.choices[0].message.tool_calls
    assert calls is not None
    assert [call.type for call in calls] == ["function"]
    assert calls[0].type == "function"
    arguments = json.loads(calls[0].function.arguments)
    assert set(arguments) == {"urgency"}
    return calls[0].function.name, arguments["urgency"]


def test_a_tool_call_comes_back(client: OpenAI, model: str) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model=model, messages=MESSAGES, tools=[TRIAGE], tool_choice="auto", max_tokens=80, extra_body=CALLS_TRIAGE
    )
    answer = raw.parse()
    assert raw.headers["x-preceptor-outcome"] == "bypassed"
    assert called(answer) == ("triage", "now")
    assert answer.choices[0].finish_reason == "tool_calls"


def test_a_tool_call_comes_back_in_pieces(client: OpenAI, model: str) -> None:
    pieces = client.chat.completions.create(
        model=model,
        messages=MESSAGES,
        tools=[TRIAGE],
        tool_choice="auto",
        max_tokens=80,
        stream=True,
        extra_body=CALLS_TRIAGE,
    )
    choices = [piece.choices[0] for piece in pieces if piece.choices]
    functions = [call.function for choice in choices for call in choice.delta.tool_calls or [] if call.function]
    assert [function.name for function in functions if function.name] == ["triage"]
    assert len(functions) > 2
    assert json.loads("".join(function.arguments or "" for function in functions)) == {"urgency": "now"}
    assert choices[-1].finish_reason == "tool_calls"


def test_the_answer_of_a_tool_is_read(client: OpenAI, model: str) -> None:
    asked = client.chat.completions.create(
        model=model, messages=MESSAGES, tools=[TRIAGE], max_tokens=80, extra_body=CALLS_TRIAGE
    )
    calls = asked.choices[0].message.tool_calls
    assert calls is not None
    conversation: list[ChatCompletionMessageParam] = [
        *MESSAGES,
        {"role": "assistant", "tool_calls": [call.model_dump() for call in calls]},  # type: ignore[misc]
        {"role": "tool", "tool_call_id": calls[0].id, "content": "filed"},
    ]
    raw = client.chat.completions.with_raw_response.create(model=model, messages=conversation, max_tokens=16)
    assert raw.headers["x-preceptor-outcome"] == "bypassed"
    assert raw.parse().choices[0].message.content


@pytest.mark.parametrize("choice", ["required", NAMED])
def test_a_tool_that_must_be_called_is_called(
    client: OpenAI, model: str, choice: ChatCompletionToolChoiceOptionParam, terse: dict[str, int]
) -> None:
    answer = client.chat.completions.create(
        model=model, messages=MESSAGES, tools=[TRIAGE], tool_choice=choice, max_tokens=80, logit_bias=terse
    )
    name, urgency = called(answer)
    assert name == "triage"
    assert urgency in URGENCIES


def test_no_tool_is_called_where_none_may_be(client: OpenAI, model: str) -> None:
    answer = client.chat.completions.create(
        model=model, messages=MESSAGES, tools=[TRIAGE], tool_choice="none", max_tokens=24, temperature=0
    )
    assert answer.choices[0].message.content
    assert not answer.choices[0].message.tool_calls


@pytest.mark.parametrize("stream", [False, True])
def test_an_image_is_refused_by_an_engine_without_eyes(client: OpenAI, model: str, stream: bool) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=model, messages=WITH_IMAGE, max_tokens=8, stream=stream)
    assert refused.value.status_code == 400
    assert isinstance(refused.value.body, dict)
    assert set(refused.value.body) == {"message", "type", "param", "code"}
    assert "multimodal" in refused.value.body["message"]


def test_an_image_beside_a_tool_is_refused_by_the_engine_itself(client: OpenAI, engine_model: str) -> None:
    with pytest.raises(openai.BadRequestError, match=f"{engine_model} is not a multimodal model"):
        client.chat.completions.create(model="preceptor", messages=WITH_IMAGE, tools=[TRIAGE], max_tokens=8)
