"""How a judge is asked: the question as data beside the prose, again where it cannot be read, from the cache."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from inspect_ai.model import (
    ChatMessage,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    Model,
    ModelOutput,
    ModelUsage,
    get_model,
)

from training.evaluation.asking import ask, payload_of

pytestmark = pytest.mark.usefixtures("inspect_home")
PAYLOAD = {"kind": "criterion", "criterion": "Says when to seek help"}


def judge(answers: Sequence[str], asked: list[tuple[list[ChatMessage], GenerateConfig]]) -> Model:
    left = list(answers)

    def answer(messages: list[ChatMessage], tools: Any, choice: Any, config: GenerateConfig) -> ModelOutput:
        asked.append((messages, config))
        output = ModelOutput.from_content("judge", left.pop(0))
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return output

    return get_model("mockllm/judge", custom_outputs=answer, memoize=False)


def read(output: ModelOutput) -> bool | None:
    return {"yes": True, "no": False}.get(output.completion)


async def test_an_answer_that_can_be_read_is_asked_for_once() -> None:
    asked: list[tuple[list[ChatMessage], GenerateConfig]] = []
    found = await ask(judge(["no"], asked), "Is it so?", PAYLOAD, read)
    assert (found.value, found.raw, found.attempts, found.failed) == (False, "no", 1, None)
    assert asked[0][1].temperature == 0.0
    assert payload_of(asked[0][0]) == PAYLOAD


async def test_nonsense_is_asked_again_with_another_draw_and_then_given_up() -> None:
    asked: list[tuple[list[ChatMessage], GenerateConfig]] = []
    found = await ask(judge(["perhaps", "", "yes"], asked), "Is it so?", PAYLOAD, read)
    assert (found.value, found.attempts) == (True, 3)
    assert [config.temperature for _, config in asked] == [0.0, 1.0, 1.0]
    assert len({config.seed for _, config in asked}) == 3
    asked.clear()
    given_up = await ask(judge(["a", "b", "c"], asked), "Is it otherwise?", PAYLOAD, read)
    assert (given_up.value, given_up.raw, given_up.failed, len(asked)) == (None, "c", "unreadable", 3)


async def test_the_same_question_is_answered_from_the_cache() -> None:
    asked: list[tuple[list[ChatMessage], GenerateConfig]] = []
    one = judge(["yes", "no"], asked)
    first, again = [await ask(one, "Is it so?", PAYLOAD, read) for _ in range(2)]
    assert first == again
    assert len(asked) == 1
    other = await ask(one, "Is it so?", {**PAYLOAD, "criterion": "Another"}, read)
    assert other.value is False


async def test_a_prompt_of_several_messages_carries_the_question_on_its_last() -> None:
    asked: list[tuple[list[ChatMessage], GenerateConfig]] = []
    prompt: list[ChatMessage] = [
        ChatMessageSystem(content="You judge."),
        ChatMessageUser(content="Is it so?", metadata={"own": 1}),
    ]
    await ask(judge(["yes"], asked), prompt, PAYLOAD, read)
    sent = asked[0][0]
    assert payload_of(sent) == PAYLOAD
    assert (sent[-1].metadata or {})["own"] == 1
    assert json.dumps(PAYLOAD) not in sent[-1].text


async def test_what_says_that_no_answer_is_to_be_had_is_let_through() -> None:
    def broken(*_: object) -> ModelOutput:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        await ask(get_model("mockllm/judge", custom_outputs=broken, memoize=False), "Is it so?", PAYLOAD, read)


def test_a_message_without_the_question_has_none() -> None:
    assert payload_of([ChatMessageUser(content="Is it so?")]) is None
    assert payload_of([ChatMessageUser(content="Is it so?", metadata={"question": "text"})]) is None
