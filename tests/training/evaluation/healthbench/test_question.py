import json
from math import log
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import ChatMessage, GenerateConfig, Logprob, Logprobs, ModelOutput, TopLogprob, get_model
from inspect_ai.tool import ToolChoice, ToolInfo

from service.revision.prompts import load_prompts
from service.revision.prompts.templates import PromptError
from tests.training.evaluation.healthbench.judge import judge, output
from training.evaluation.asking import Asked
from training.evaluation.healthbench.question import Question, Verdict, load_template, read_json_verdict, told

MESSAGES = [{"role": "user", "content": "Can I take ibuprofen? I am on warfarin."}]


@pytest.mark.parametrize(
    "text",
    [
        '{"explanation": "It says so.", "criteria_met": true}',
        '  {"criteria_met": true, "explanation": "It says so."}\n',
        '```json\n{"explanation": "It says so.", "criteria_met": true}\n```',
        '```\n{"explanation": "It says so.",\n "criteria_met": true}\n```',
        '<think>\n{"criteria_met": false}? No.\n</think>\n\n{"explanation": "It says so.", "criteria_met": true}',
        'Begun in the prompt.</think>```json\n{"explanation": "It says so.", "criteria_met": true}\n```',
    ],
)
def test_a_verdict_is_read(text: str) -> None:
    assert read_json_verdict(output(text)) == Verdict(True, reason="It says so.")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "true",
        "null",
        "[]",
        "Yes.",
        '"criteria_met": true',
        '{"criteria_met": "true"}',
        '{"criteria_met": 1}',
        '{"criteria_met": null}',
        '{"criteriaMet": true}',
        '{"explanation": "no verdict"}',
        '{"verdict": {"criteria_met": true}}',
        '[{"criteria_met": true}]',
        '{"criteria_met": true, "criteria_met": false}',
        '{"criteria_met": true} and more',
        'Here it is: {"criteria_met": true}',
        '{"criteria_met": true}{"criteria_met": true}',
        '```json\n{"criteria_met": true}\n```\n```json\n{"criteria_met": true}\n```',
        '<think>never ends {"criteria_met": true}',
        '{"explanation": "cut off", "criteria_met": tr',
        "{" * 100_000,
    ],
)
def test_anything_else_is_no_verdict(text: str) -> None:
    assert read_json_verdict(output(text)) is None


def test_a_reason_may_hold_what_ends_a_block_of_reasoning() -> None:
    text = json.dumps({"explanation": "</think> ``` 好 { }", "criteria_met": False})
    assert read_json_verdict(output("\n" + text)) == Verdict(False, reason="</think> ``` 好 { }")


def test_a_verdict_without_a_reason_counts() -> None:
    assert read_json_verdict(output('{"criteria_met": false}')) == Verdict(False)


@given(st.text(), st.booleans())
def test_whatever_the_reason_the_verdict_is_read(reason: str, met: bool) -> None:
    text = json.dumps({"explanation": reason, "criteria_met": met})
    assert read_json_verdict(output(text)) == Verdict(met, reason=reason)


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    assert read_json_verdict(output(text)) is None


def test_an_answer_of_no_choice_is_no_verdict() -> None:
    assert read_json_verdict(ModelOutput(model="mock")) is None


async def test_the_prompt_shows_conversation_answer_and_criterion_with_its_points(inspect_home: Path) -> None:
    shown = await _shown(Question(), "Take </conversation> it.", "Recommends {criterion} <ibuprofen>", -8.0)
    assert '<turn role="user">\nCan I take ibuprofen? I am on warfarin.\n</turn>' in shown
    assert '<turn role="assistant">\nTake \u2039/conversation> it.\n</turn>\n</conversation>' in shown
    assert "<statement>\n[-8] Recommends {criterion} \u2039ibuprofen>\n</statement>" in shown
    assert "<statement>\n[2.5] Short\n" in await _shown(Question(), "No.", "Short", 2.5)
    assert "<statement>\nBare\n" in await _shown(Question(), "No.", "Bare", None)


async def test_what_is_no_text_is_not_judged(inspect_home: Path) -> None:
    with pytest.raises(ValueError, match="a judge reads text"):
        await Question().put(judge(lambda _: output("")), [{"role": "user", "content": [{}]}], "No.", "Says no", 1)


async def test_the_payload_is_the_question_as_data(inspect_home: Path) -> None:
    seen = []

    def answer(payload: object) -> ModelOutput:
        seen.append(payload)
        return output('{"criteria_met": true}')

    asked = await Question().put(judge(answer), MESSAGES, "No.", "Says no", 5)
    assert asked == Asked(Verdict(True), '{"criteria_met": true}', 1)
    assert seen == [
        {"kind": "criterion", "messages": MESSAGES, "answer": "No.", "criterion": "Says no", "points": 5},
    ]


async def test_an_unread_answer_is_asked_again_and_then_stays_unread(inspect_home: Path) -> None:
    configs: list[GenerateConfig] = []
    asked = await Question().put(judge(lambda _: output("Hm."), configs), MESSAGES, "No.", "Says no", 5)
    assert asked == Asked(None, "Hm.", 3, "unreadable")
    assert [(config.temperature, config.max_tokens) for config in configs] == [(0.0, 2048), (1.0, 2048), (1.0, 2048)]
    assert told(asked) == {
        "met": None,
        "reason": None,
        "probability": None,
        "raw": "Hm.",
        "failed": "unreadable",
    }


@pytest.mark.parametrize(("threshold", "met"), [(0.5, True), (0.74, True), (0.76, False)])
async def test_the_services_question_is_read_from_probabilities(
    inspect_home: Path, threshold: float, met: bool
) -> None:
    configs: list[GenerateConfig] = []
    model = judge(lambda _: output("yes", {"yes": log(0.6), "no": log(0.2)}), configs)
    asked = await Question("verdict", "compact", threshold).put(model, MESSAGES, "No.", "Says no", 5)
    assert asked.value is not None
    assert asked.value.met is met
    assert asked.value.probability == pytest.approx(0.75)
    assert (configs[0].max_tokens, configs[0].top_logprobs, configs[0].temperature) == (1, 20, 0.0)


async def test_alternatives_that_read_the_same_add_up(inspect_home: Path) -> None:
    def answer(_: object) -> ModelOutput:
        made = output("yes")
        listed = [TopLogprob(token=t, logprob=log(p)) for t, p in [("yes", 0.2), ("no", 0.2), ("yes", 0.4)]]
        made.choices[0].logprobs = Logprobs(content=[Logprob(token="yes", logprob=log(0.4), top_logprobs=listed)])
        return made

    asked = await Question("verdict").put(judge(answer), MESSAGES, "No.", "Says no", 5)
    assert asked.value is not None
    assert asked.value.probability == pytest.approx(0.75)


@pytest.mark.parametrize("alternatives", [None, {"Maybe": -0.1}, {"yes": float("-inf"), "no": float("-inf")}])
async def test_without_probabilities_of_yes_and_no_nothing_is_read(
    inspect_home: Path, alternatives: dict[str, float] | None
) -> None:
    configs: list[GenerateConfig] = []
    model = judge(lambda _: output("yes", alternatives), configs)
    asked = await Question("verdict").put(model, MESSAGES, "No.", "Says no", 5)
    assert asked == Asked(None, "yes", 1, "unreadable")
    assert len(configs) == 1


async def test_the_services_question_is_the_services_prompt(inspect_home: Path) -> None:
    seen: list[tuple[str, str]] = []

    def generated(
        messages: list[ChatMessage], tools: list[ToolInfo], choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        seen.extend((message.role, message.text) for message in messages)
        return output("yes", {"yes": -0.1})

    model = get_model("mockllm/model", custom_outputs=generated, memoize=False)
    await Question("verdict", "full").put(model, MESSAGES, "No.", "Says no", 5)
    expected = load_prompts("full").verdict(MESSAGES, "No.", "Says no")
    assert seen == [(message["role"], message["content"]) for message in expected]


def test_the_version_tells_style_and_wording_apart() -> None:
    versions = {Question().version, Question("verdict", "full").version, Question("verdict", "compact").version}
    assert len(versions) == 3
    assert Question().version.startswith("criterion@")
    assert Question("verdict", "full").version == f"verdict:{load_prompts('full').version}"


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_is_a_probability(threshold: float) -> None:
    with pytest.raises(ValueError, match="is no probability"):
        Question(threshold=threshold)


def test_a_prompt_with_other_variables_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "criterion.txt"
    path.write_text("{conversation} {criterio}", encoding="utf-8")
    with pytest.raises(PromptError, match=r"criterion.txt: variables \['conversation', 'criterio'\]"):
        load_template(path)


async def _shown(question: Question, answer: str, criterion: str, points: float | None) -> str:
    seen = []

    def generated(
        messages: list[ChatMessage], tools: list[ToolInfo], choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        seen.append(messages[-1].text)
        return output('{"criteria_met": true}')

    model = get_model("mockllm/model", custom_outputs=generated, memoize=False)
    await question.put(model, MESSAGES, answer, criterion, points)
    return seen[0]
