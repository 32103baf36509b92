import json
import math
from typing import Any

import pytest

from loadtest.standin.answers import ACCEPTED_QUESTION, DRAFT, EDIT_TEXT, LACKING, REVISED_QUESTION, Answer, Answers
from models.judge import probability_of_yes
from models.wire import completion
from service.revision.edits import edit_schema, parse_edit
from service.revision.prompts import load_prompts
from service.revision.rubric import parse_rubric, rubric_schema

EDITED = f"Rest and drink some water. {EDIT_TEXT} A headache with a stiff neck can have many different causes."


def content(answer: Answer) -> dict[str, Any]:
    head, _, body = answer.whole.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head
    found: dict[str, Any] = json.loads(body)
    return found


def text(answer: Answer) -> str:
    return str(content(answer)["choices"][0]["message"]["content"])


def asked(question: str, **fields: object) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}], **fields}


def form(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


def verdict(question: str, answer: str, criterion: str) -> float:
    messages = load_prompts("full").verdict([{"role": "user", "content": question}], answer, criterion)
    body = {"messages": [dict(message) for message in messages], "max_tokens": 1, "logprobs": True, "top_logprobs": 20}
    found = completion(content(Answers().to(body)), ms=0.0, attempts=1)
    return probability_of_yes(found.logprobs)


def test_the_rubric_is_one_that_the_gateway_reads() -> None:
    criteria = parse_rubric(text(Answers().to(asked("q", response_format=form(rubric_schema(8))))), ["p"] * 8)
    assert (criteria[0].text, criteria[0].points, len(criteria)) == (LACKING, 9, 4)


def test_the_edit_is_one_that_the_gateway_reads() -> None:
    edit = parse_edit(text(Answers().to(asked("q", response_format=form(edit_schema(2))))), 2)
    assert (edit.operation, edit.number, edit.text) == ("insert_after", 1, EDIT_TEXT)


@pytest.mark.parametrize(
    ("question", "answer", "criterion", "met"),
    [
        (REVISED_QUESTION, DRAFT, LACKING, False),
        (REVISED_QUESTION, EDITED, LACKING, True),
        (REVISED_QUESTION, DRAFT, "Says to rest", True),
        (ACCEPTED_QUESTION, DRAFT, LACKING, True),
    ],
)
def test_only_the_draft_to_be_revised_lacks_a_criterion(question: str, answer: str, criterion: str, met: bool) -> None:
    assert verdict(question, answer, criterion) == pytest.approx(0.97 if met else 0.03)


def test_a_probe_for_log_probabilities_gets_them() -> None:
    found = content(Answers().to(asked("Answer yes or no.", max_tokens=1, logprobs=True, top_logprobs=20)))
    [token] = found["choices"][0]["logprobs"]["content"]
    assert [row["token"] for row in token["top_logprobs"]] == ["yes", "no"]
    assert math.exp(token["logprob"]) == pytest.approx(0.97)


def test_a_draft_has_sixteen_tokens() -> None:
    found = content(Answers().to(asked("q")))
    assert found["choices"][0]["message"]["content"] == DRAFT
    assert found["usage"]["completion_tokens"] == 16
