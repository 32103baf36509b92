"""Scores an answer by its rubric: one question a criterion, all at once, and the score from the verdicts alone.

Invariant: the values follow from the stored verdicts (``rescored``), so that a log is scored again without a judge.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from inspect_ai.model import Model, get_model
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState
from inspect_ai.util import collect

from service.revision.prompts import Message
from training.data.rubrics import Axis
from training.evaluation.healthbench.conversation import messages_of
from training.evaluation.healthbench.formula import Judged, score, tag_score
from training.evaluation.healthbench.question import Question, Style, told
from training.evaluation.rows import SCORE, SCORER, score_metadata
from training.judges.presented import Prompts

AXES: tuple[str, ...] = get_args(Axis)
RUBRICS = "rubrics"
"""Key of a sample's metadata that holds its criteria as JSON objects: criterion, points, tags."""

Verdicts = Sequence[Mapping[str, Any]]


@scorer(metrics={"*": [mean(), stderr()]}, name=SCORER)
def rubric_scorer(style: Style = "json", prompts: Prompts = "full", threshold: float = 0.5) -> Scorer:
    """Score by the role ``grader``; see ``Question`` for the settings.

    A verdict is JSON: criterion, points, tags, axis, met, reason, probability, raw, failed.
    """
    question = Question(style, prompts, threshold)

    async def scored(state: TaskState, target: Target) -> Score:
        judge = get_model(role="grader")
        messages, answer = messages_of(state), state.output.completion
        verdicts = await collect(*(_verdict(question, judge, messages, answer, row) for row in state.metadata[RUBRICS]))
        unread = sum(verdict["met"] is None for verdict in verdicts)
        metadata = score_metadata(verdicts, asked=len(verdicts), unscored=unread, cluster=str(state.sample_id))
        return Score(value=rescored(verdicts), answer=answer, metadata=metadata)

    return scored


def rescored(verdicts: Verdicts) -> dict[str, float]:
    """Return the value of a sample's ``Score`` from its verdicts: ``score`` and ``axis:...``, all five.

    NaN where a verdict that the score needs was not read, and for an axis without a positive criterion.
    """
    judged = judged_of(verdicts)
    values = {SCORE: score(judged)} | {f"axis:{axis}": tag_score(judged, f"axis:{axis}") for axis in AXES}
    return {name: math.nan if value is None else value for name, value in values.items()}


def judged_of(verdicts: Verdicts) -> list[Judged]:
    """Return the criteria of stored verdicts as the formula takes them."""
    return [Judged(verdict["points"], tuple(verdict["tags"]), verdict["met"]) for verdict in verdicts]


async def _verdict(
    question: Question, judge: Model, messages: Sequence[Message], answer: str, row: Mapping[str, Any]
) -> dict[str, Any]:
    asked = await question.put(judge, messages, answer, row["criterion"], row["points"])
    axis = next((tag.removeprefix("axis:") for tag in row["tags"] if tag.startswith("axis:")), None)
    return {name: row[name] for name in ("criterion", "points", "tags")} | {"axis": axis} | told(asked)
