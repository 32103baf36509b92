"""HealthBench as an inspect task, and its published files as rows.

Invariant: a sample holds all that its scoring needs, so that a log can be scored again without the file.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.solver import Solver

from training.data.files import read_records
from training.data.healthbench import HealthBenchRow
from training.evaluation.healthbench.conversation import chat_messages
from training.evaluation.healthbench.formula import CONSENSUS_LEVEL
from training.evaluation.healthbench.question import Question, Style
from training.evaluation.healthbench.scorer import RUBRICS, rubric_scorer
from training.judges.presented import Prompts

Subset = Literal["full", "hard", "consensus"]


def healthbench_task(
    rows: Sequence[HealthBenchRow],
    solver: Solver,
    *,
    name: str,
    subset: str,
    style: Style = "json",
    prompts: Prompts = "full",
    threshold: float = 0.5,
    metadata: Mapping[str, Any] | None = None,
) -> Task:
    """Return the task of some rows: its samples have the row's ``prompt_id``; the judge is the role ``grader``.

    Raises ``ValueError`` where two rows have one id.
    """
    refuse_repeated(row.prompt_id for row in rows)
    return Task(
        name=name,
        dataset=MemoryDataset([_sample(row, subset) for row in rows], name=f"healthbench_{subset}"),
        solver=solver,
        scorer=rubric_scorer(style, prompts, threshold),
        metadata={"subset": subset, "judge_prompt": Question(style, prompts, threshold).version, **(metadata or {})},
    )


def load(path: Path, subset: Subset) -> list[HealthBenchRow]:
    """Read one of the published files. Raises ``UnreadableFile`` and ``FaultyRow``.

    The consensus file holds consensus criteria and no others. Raises ``ValueError`` where it is named and another is
    given, since a file is scored by the criteria that it has.
    """
    rows = list(read_records(path, HealthBenchRow))
    if subset == "consensus":
        for row in rows:
            if any(CONSENSUS_LEVEL not in criterion.tags for criterion in row.rubrics):
                raise ValueError(f"{path}: {row.prompt_id} has a criterion of its own: not the consensus file")
    return rows


def refuse_repeated(ids: Iterable[str]) -> None:
    """Raise ``ValueError`` where an id comes twice."""
    repeated = [id_ for id_, times in Counter(ids).items() if times > 1]
    if repeated:
        raise ValueError(f"{len(repeated)} ids come more than once, {repeated[0]!r} for one")


def _sample(row: HealthBenchRow, subset: str) -> Sample:
    rubrics = [criterion.model_dump(mode="json") for criterion in row.rubrics]
    return Sample(
        input=chat_messages(message.model_dump() for message in row.prompt),
        id=row.prompt_id,
        metadata={"example_tags": list(row.example_tags), RUBRICS: rubrics, "subset": subset},
    )
