"""Owns rows in HealthBench's published format: graded questions, and the physicians' labels of its meta-evaluation.

Invariant: field names are the published ones. Rows in this format may be our own; the published file is fetched by
the user and never committed. ``canary`` is optional: releases carry a marker against training on them.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, get_args

from pydantic import AfterValidator, Field, Strict, StringConstraints, ValidationInfo, field_validator

from training.data.faults import FaultKind, Finding, refuse, wrong
from training.data.fields import AnyPoints, Id, Line, Prompt, Row, Rows, Text
from training.data.judge_labels import JudgeLabel
from training.data.rubrics import MAX_CRITERIA, Axis

MAX_TAGS = 30
MAX_LABELS = 50
_AXES = frozenset(f"axis:{axis}" for axis in get_args(Axis))
_LEVELS = frozenset({"level:example", "level:cluster"})

Tag = Annotated[str, StringConstraints(pattern=r"^[a-z_]+:[^\s:][^\n]{0,199}$")]


def _criterion_tag(tag: str) -> str:
    for prefix, known in (("axis:", _AXES), ("level:", _LEVELS)):
        if tag.startswith(prefix) and tag not in known:
            raise wrong(FaultKind.BAD_VALUE, f"{tag!r} is none of {', '.join(sorted(known))}")
    if not re.match(r"(?:axis|level|cluster):", tag):
        raise wrong(FaultKind.BAD_VALUE, "a criterion's tag begins with axis:, level: or cluster:")
    return tag


class HealthBenchCriterion(Row):
    """One criterion with its points (whole or not) and tags."""

    criterion: Text
    points: AnyPoints
    tags: Rows[Annotated[Tag, AfterValidator(_criterion_tag)]] = Field(max_length=MAX_TAGS)

    @property
    def axis(self) -> str | None:
        """The axis that a tag names, without its prefix."""
        return next((tag.removeprefix("axis:") for tag in self.tags if tag.startswith("axis:")), None)


class IdealCompletions(Row):
    """What physicians wrote as the ideal answer, and the answers that they started from."""

    ideal_completion: Text
    ideal_completions_group: Line
    ideal_completions_ref_completions: Rows[Text] | None = Field(None, max_length=MAX_TAGS)


def _scorable(criteria: tuple[HealthBenchCriterion, ...]) -> tuple[HealthBenchCriterion, ...]:
    refuse(_findings(criteria))
    return criteria


def _findings(criteria: Sequence[HealthBenchCriterion]) -> Iterator[Finding]:
    first_at: dict[str, int] = {}
    for number, row in enumerate(criteria):
        if first_at.setdefault(row.criterion, number) != number:
            message = f"repeats the criterion at {first_at[row.criterion]}"
            yield Finding(FaultKind.REPEATED_CRITERION, (number, "criterion"), message)
    if not any(row.points > 0 for row in criteria):
        yield Finding(FaultKind.NO_POSITIVE_POINTS, (), "has no criterion with positive points, so no score is defined")


class HealthBenchRow(Row):
    """One conversation with its rubric; the id of the row is ``prompt_id``."""

    example_tags: Rows[Tag] = Field(max_length=MAX_TAGS)
    ideal_completions_data: IdealCompletions | None = None
    prompt: Prompt
    prompt_id: Id
    rubrics: Annotated[
        tuple[HealthBenchCriterion, ...],
        Strict(False),
        Field(min_length=1, max_length=MAX_CRITERIA),
        AfterValidator(_scorable),
    ]
    canary: Line | None = None


class HealthBenchLabels(Row):
    """One answer and one criterion with the verdicts of several physicians."""

    prompt: Prompt
    prompt_id: Id
    completion: Text
    completion_id: Id
    rubric: Text
    category: Tag
    binary_labels: Rows[bool] = Field(min_length=1, max_length=MAX_LABELS)
    anonymized_physician_ids: Rows[Line] = Field(min_length=1, max_length=MAX_LABELS)
    canary: Line | None = None

    @field_validator("anonymized_physician_ids")
    @classmethod
    def _a_label_each(cls, physicians: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        labels: tuple[bool, ...] | None = info.data.get("binary_labels")
        if labels is not None and len(labels) != len(physicians):
            raise wrong(FaultKind.LABELS, f"{len(labels)} labels for {len(physicians)} physicians")
        return physicians

    def judge_labels(self) -> Iterator[JudgeLabel]:
        """One judge label per physician; their ids number the row's."""
        for number, (met, physician) in enumerate(zip(self.binary_labels, self.anonymized_physician_ids, strict=True)):
            yield JudgeLabel(
                id=f"{self.completion_id}:{number}",
                prompt=self.prompt,
                answer=self.completion,
                criterion=self.rubric,
                met=met,
                labelled_by=physician,
            )
