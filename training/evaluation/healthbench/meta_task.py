"""HealthBench's meta-evaluation as an inspect task: the judge's question about answers that physicians judged before.

Invariant: nothing is answered: the recorded answer is what the judge reads, and it costs nothing. The question is the
benchmark's own but for the points, which the published meta-evaluation does not show either.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput, get_model
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver

from training.data.files import read_records
from training.data.healthbench import HealthBenchLabels
from training.evaluation.healthbench.conversation import chat_messages, messages_of
from training.evaluation.healthbench.meta import COUNTS, Labelled, counts
from training.evaluation.healthbench.question import Question, Style, told
from training.evaluation.healthbench.task import refuse_repeated
from training.evaluation.rows import ANSWER, SCORE, SCORER, Answered, Row, score_metadata
from training.judges.presented import Prompts

RECORDED = "recorded"


def meta_task(
    rows: Sequence[HealthBenchLabels],
    *,
    name: str,
    style: Style = "json",
    prompts: Prompts = "full",
    threshold: float = 0.5,
    metadata: Mapping[str, Any] | None = None,
) -> Task:
    """Return the task that measures the role ``grader``.

    Raises ``ValueError`` where two rows hold one criterion of one answer.
    """
    refuse_repeated(_id(row) for row in rows)
    return Task(
        name=name,
        dataset=MemoryDataset([_sample(row) for row in rows], name="healthbench_meta"),
        solver=recorded_answer(),
        scorer=agreement_scorer(style, prompts, threshold),
        metadata={"subset": "meta", "judge_prompt": Question(style, prompts, threshold).version, **(metadata or {})},
    )


def load_labels(path: Path) -> list[HealthBenchLabels]:
    """Read the published meta-evaluation file. Raises ``UnreadableFile`` and ``FaultyRow``."""
    return list(read_records(path, HealthBenchLabels))


def labelled(row: Row | HealthBenchLabels) -> Labelled:
    """Return the labels of a logged sample or of a file's row, as ``physicians`` compares them."""
    if isinstance(row, HealthBenchLabels):
        return Labelled(row.category, row.binary_labels, row.anonymized_physician_ids)
    sample = row.metadata
    return Labelled(sample["category"], tuple(sample["labels"]), tuple(sample["physicians"]))


@solver
def recorded_answer() -> Solver:
    """Answer with the text that the sample holds, at no cost."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        text = state.metadata[RECORDED]
        state.output = ModelOutput.from_content(model=RECORDED, content=text)
        state.messages.append(state.output.message)
        state.metadata[ANSWER] = asdict(Answered(text, 0, 0, 0, 0.0, 0, None, {}))
        return state

    return solve


@scorer(metrics={"*": [mean(), stderr()]}, name=SCORER)
def agreement_scorer(style: Style = "json", prompts: Prompts = "full", threshold: float = 0.5) -> Scorer:
    """Score a sample by the share of its physicians who agree with the role ``grader``; ``tp``, ``fp``, ``fn``, ``tn``.

    All are NaN where the judge's answer was not read.
    """
    question = Question(style, prompts, threshold)

    async def scored(state: TaskState, target: Target) -> Score:
        sample, answer = state.metadata, state.output.completion
        asked = await question.put(get_model(role="grader"), messages_of(state), answer, sample["criterion"], None)
        verdict = {"criterion": sample["criterion"]} | told(asked)
        met = verdict["met"]
        metadata = score_metadata([verdict], asked=1, unscored=int(met is None), cluster=sample["prompt_id"])
        return Score(value=value_of(met, sample["labels"]), answer=answer, metadata=metadata)

    return scored


def value_of(met: bool | None, labels: Sequence[bool]) -> dict[str, float]:
    """Return the value of a sample's ``Score`` from the judge's verdict and its physicians' labels."""
    if met is None:
        return dict.fromkeys((SCORE, *COUNTS), math.nan)
    pairs = counts(met, labels)
    return {SCORE: list(labels).count(met) / len(labels)} | dict(zip(COUNTS, map(float, pairs), strict=True))


def _id(row: HealthBenchLabels) -> str:
    return f"{row.completion_id}:{hashlib.sha256(row.rubric.encode()).hexdigest()[:12]}"


def _sample(row: HealthBenchLabels) -> Sample:
    metadata = {
        RECORDED: row.completion,
        "criterion": row.rubric,
        "category": row.category,
        "labels": list(row.binary_labels),
        "physicians": list(row.anonymized_physician_ids),
        "prompt_id": row.prompt_id,
        "subset": "meta",
    }
    return Sample(input=chat_messages(message.model_dump() for message in row.prompt), id=_id(row), metadata=metadata)
