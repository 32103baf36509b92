"""The audit as an inspect task: a judge is asked what experts were asked, about answers that are there already.

Invariant: nothing is answered anew, and the question is the benchmark's or the service's own (``Question``).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import Model, model_roles
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState
from inspect_ai.util import collect

from service.revision.prompts import Message
from training.evaluation.audit.audited import GRADER, SECOND, about
from training.evaluation.audit.labels import Labelled
from training.evaluation.healthbench.conversation import chat_messages, messages_of
from training.evaluation.healthbench.meta_task import RECORDED, recorded_answer
from training.evaluation.healthbench.question import Question, Style, told
from training.evaluation.rows import SCORE, SCORER, score_metadata
from training.judges.presented import Prompts


def audit_task(
    items: Sequence[Labelled],
    *,
    name: str = "audit",
    style: Style = "verdict",
    prompts: Prompts = "full",
    threshold: float = 0.5,
    metadata: Mapping[str, Any] | None = None,
) -> Task:
    """Return the task that puts each item's question to the role ``grader`` and, where bound, ``second_grader``.

    Style ``verdict`` gives probabilities, which calibration and the choice of a threshold need; ``prompts`` and
    ``threshold`` are its own.
    """
    version = Question(style, prompts, threshold).version
    return Task(
        name=name,
        dataset=MemoryDataset([_sample(item) for item in items], name=name),
        solver=recorded_answer(),
        scorer=verdict_scorer(style, prompts, threshold),
        metadata={"benchmark": "audit", "judge_prompt": version, "threshold": threshold, **(metadata or {})},
    )


@scorer(metrics={"*": [mean(), stderr()]}, name=SCORER)
def verdict_scorer(style: Style = "verdict", prompts: Prompts = "full", threshold: float = 0.5) -> Scorer:
    """Score a sample by the share of its labels that the first judge's verdict equals; NaN where that is unscored.

    A verdict is JSON: criterion, judge (its role), met, reason, probability, raw, failed.
    """
    question = Question(style, prompts, threshold)

    async def scored(state: TaskState, target: Target) -> Score:
        item, answer, messages = state.metadata, state.output.completion, messages_of(state)
        roles = _judges()
        verdicts = await collect(
            *(_verdict(question, role, judge, messages, answer, item) for role, judge in roles.items())
        )
        unscored = sum(verdict["met"] is None for verdict in verdicts)
        metadata = score_metadata(verdicts, asked=len(verdicts), unscored=unscored, cluster=item["case"])
        return Score(value={SCORE: _agreeing(verdicts[0]["met"], item["labels"])}, answer=answer, metadata=metadata)

    return scored


def _judges() -> dict[str, Model]:
    bound = model_roles()
    found = {role: bound[role] for role in (GRADER, SECOND) if role in bound}
    one_each = {role: model for role, model in found.items() if isinstance(model, Model)}
    if GRADER not in one_each or len(one_each) < len(found):
        raise ValueError(f"an audit needs one model in the role {GRADER}, and at most one in {SECOND}")
    return one_each


async def _verdict(
    question: Question, role: str, judge: Model, messages: Sequence[Message], answer: str, item: Mapping[str, Any]
) -> dict[str, Any]:
    asked = await question.put(judge, messages, answer, item["criterion"], item["points"])
    return {"criterion": item["criterion"], "judge": role} | told(asked)


def _agreeing(met: bool | None, labels: Sequence[bool]) -> float:
    return math.nan if met is None else list(labels).count(met) / len(labels)


def _sample(item: Labelled) -> Sample:
    metadata = about(item) | {RECORDED: item.answer}
    return Sample(input=chat_messages(item.messages), id=item.id, metadata=metadata)
