"""Runs of small MLB tasks under inspect, with answers and judges given in advance."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.model import ChatMessage, ChatMessageAssistant, Model, ModelOutput, ModelUsage, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver

from training.evaluation.asking import payload_of
from training.evaluation.mlb.load import Example
from training.evaluation.mlb.task import mlb_task
from training.evaluation.rows import ANSWER, Row, read_rows

Answers = Callable[[Mapping[str, Any]], str]
"""A judge: from the payload of a question to the judge's text."""
Run = Callable[..., list[Row]]


@solver
def saying(answers: Mapping[str, str]) -> Solver:
    """Say what is given for each sample's id."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        text = answers[str(state.sample_id)]
        state.output = ModelOutput.from_content("said", text)
        state.messages.append(ChatMessageAssistant(content=text))
        state.metadata[ANSWER] = {
            "text": text, "input_tokens": 1, "cached_tokens": 0, "output_tokens": 1, "seconds": 0.0, "calls": 1,
            "trace": None, "extra": {},
        }  # fmt: skip
        return state

    return solve


def judge(name: str, answers: Answers) -> Model:
    """A judge of this name, which is part of the cache's key; without memory of other tests' judges."""

    def say(messages: list[ChatMessage], *_: Any) -> ModelOutput:
        payload = payload_of(messages)
        assert payload is not None
        output = ModelOutput.from_content(name, answers(payload))
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return output

    return get_model(f"mockllm/{name}", custom_outputs=say, memoize=False)


@pytest.fixture
def run(inspect_home: Path) -> Run:
    """Run a task and return its rows: ``run(examples, {id: answer}, {role: judge}, **of the task)``."""

    def rows(
        examples: Sequence[Example], answers: Mapping[str, str], judges: Mapping[str, Answers], **told: Any
    ) -> list[Row]:
        logs = inspect_eval(
            mlb_task(examples, saying(dict(answers)), name="small", **told),
            model="mockllm/none",
            model_roles={role: judge(role, said) for role, said in judges.items()},
            log_dir=str(inspect_home),
            display="none",
        )
        assert logs[0].status == "success", logs[0].error
        return list(read_rows(Path(logs[0].location)))

    return rows
