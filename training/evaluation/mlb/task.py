"""MLB as an inspect Task: any examples, from published files, fixtures or the miniclinic, in one task.

Invariant: a sample carries all that its scorer and its figures need, so that logs can be read without the files.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser
from inspect_ai.solver import Solver

from training.evaluation.mlb.load import Example
from training.evaluation.mlb.scorer import mlb_scorer
from training.evaluation.mlb.scoring import Combination
from training.evaluation.mlb.specs import SPECS, Format

_MESSAGES: Mapping[str, type[ChatMessageSystem] | type[ChatMessageUser] | type[ChatMessageAssistant]] = {
    "system": ChatMessageSystem,
    "user": ChatMessageUser,
    "assistant": ChatMessageAssistant,
}


def mlb_task(
    samples: Sequence[Example],
    solver: Solver,
    *,
    name: str,
    combination: Combination = "veto",
    metadata: Mapping[str, Any] | None = None,
) -> Task:
    """Make the task; ``combination`` joins risks and qualities (MLB does not publish how)."""
    return Task(
        dataset=MemoryDataset([_sample(example, combination) for example in samples], name=name),
        solver=solver,
        scorer=mlb_scorer(),
        name=name,
        metadata={"benchmark": "mlb", "combination": combination, **(metadata or {})},
    )


def _sample(example: Example, combination: Combination) -> Sample:
    told: dict[str, Any] = {"dataset": example.dataset, "question": example.question, **example.metadata}
    if SPECS[example.dataset].format is Format.RISK_QUALITY:
        told["combination"] = combination
    return Sample(id=example.id, input=_input(example), target=example.gold, metadata=told)


def _input(example: Example) -> list[ChatMessage]:
    return [_MESSAGES[message["role"]](content=message["content"]) for message in example.messages]
