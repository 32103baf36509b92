"""Owns HealthRubrics: a question, candidate answers, a clinician's preference, the rubric before and after editing.

Invariant: the edit log, applied entry by entry to the drafted rubric, gives the edited one. ClinAlign's schema is
not published; the field names ``criterion``, ``points`` and ``axis`` are HealthBench's, the rest is ours.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, Strict, ValidationInfo, field_validator, model_validator

from principles.schema import PrincipleId
from service.revision.rubric import Criterion
from training.data.faults import FaultKind, Finding, refuse, wrong
from training.data.fields import Id, Line, Points, Prompt, Row, Rows, Text

MAX_CRITERIA = 100
MAX_CANDIDATES = 32
MAX_EDITS = 1_000
TIE = "tie"

Axis = Literal[
    "accuracy", "completeness", "communication_quality", "context_awareness", "instruction_following"
]  # HealthBench's five


class RubricCriterion(Row):
    """One checkable statement with signed points: positive for what a good answer does, negative for a fault in it."""

    criterion: Line
    points: Points
    axis: Axis
    principle_id: PrincipleId | None = None

    def as_criterion(self) -> Criterion:
        """The criterion as the revision loop and the rewards take it."""
        return Criterion(self.criterion, self.points, self.principle_id)


def _scorable(criteria: tuple[RubricCriterion, ...]) -> tuple[RubricCriterion, ...]:
    refuse(_rubric_findings(criteria))
    return criteria


def _rubric_findings(criteria: Sequence[RubricCriterion]) -> Iterator[Finding]:
    first_at: dict[str, int] = {}
    for number, row in enumerate(criteria):
        key = " ".join(row.criterion.casefold().split())
        if first_at.setdefault(key, number) != number:
            message = f"repeats the criterion at {first_at[key]}"
            yield Finding(FaultKind.REPEATED_CRITERION, (number, "criterion"), message)
    if not any(row.points > 0 for row in criteria):
        yield Finding(FaultKind.NO_POSITIVE_POINTS, (), "has no criterion with positive points, so no score is defined")


Rubric = Annotated[
    tuple[RubricCriterion, ...], Strict(False), Field(min_length=1, max_length=MAX_CRITERIA), AfterValidator(_scorable)
]


class RubricEdit(Row):
    """One edit by a clinician; ``number`` counts the criteria from 1 as they stand before it, 0 is the front."""

    operation: Literal["insert_after", "replace", "delete"]
    number: Annotated[int, Field(ge=0, le=MAX_CRITERIA)]
    criterion: RubricCriterion | None = None
    reason: Line | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.criterion is None) != (self.operation == "delete"):
            needs = "takes no criterion" if self.operation == "delete" else "needs a criterion"
            raise wrong(FaultKind.EDIT_LOG, f"{self.operation} {needs}")
        return self


class Candidate(Row):
    """One answer to the question; the model that wrote it, where known."""

    id: Id
    text: Text
    model: Line | None = None


class HealthRubric(Row):
    """One preference example; ``preference`` is a candidate's id, or ``tie``."""

    id: Id
    prompt: Prompt
    candidates: Rows[Candidate] = Field(min_length=2, max_length=MAX_CANDIDATES)
    preference: Id
    drafted_by: Line
    drafted_rubric: Rubric
    edited_by: Id = Field(description="a pseudonym; never a clinician's name")
    edited_rubric: Rubric
    edit_log: Rows[RubricEdit] = Field(max_length=MAX_EDITS)

    @field_validator("candidates")
    @classmethod
    def _told_apart(cls, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        refuse(_candidate_findings(candidates))
        return candidates

    @field_validator("preference")
    @classmethod
    def _names_a_candidate(cls, preference: str, info: ValidationInfo) -> str:
        candidates: tuple[Candidate, ...] | None = info.data.get("candidates")
        if candidates is not None and preference not in {TIE, *(row.id for row in candidates)}:
            names = ", ".join(row.id for row in candidates)
            raise wrong(FaultKind.PREFERENCE, f"{preference!r} is no candidate: {names}, or {TIE}")
        return preference

    @field_validator("edit_log")
    @classmethod
    def _leads_to_the_edited_rubric(cls, log: tuple[RubricEdit, ...], info: ValidationInfo) -> tuple[RubricEdit, ...]:
        drafted, edited = info.data.get("drafted_rubric"), info.data.get("edited_rubric")
        if drafted is not None and edited is not None:
            refuse(_log_findings(drafted, log, edited))
        return log


def replay(drafted: Sequence[RubricCriterion], log: Sequence[RubricEdit]) -> tuple[RubricCriterion, ...]:
    """Apply a log, each entry to what the one before left. Raises IndexError(position in the log) where one cannot."""
    rubric = list(drafted)
    for position, edit in enumerate(log):
        taken = 0 if edit.operation == "insert_after" else 1
        if not taken <= edit.number <= len(rubric):
            raise IndexError(position)
        rubric[edit.number - taken : edit.number] = [] if edit.criterion is None else [edit.criterion]
    return tuple(rubric)


def _log_findings(
    drafted: Sequence[RubricCriterion], log: Sequence[RubricEdit], edited: Sequence[RubricCriterion]
) -> Iterator[Finding]:
    try:
        replayed = replay(drafted, log)
    except IndexError as error:
        position = error.args[0]
        message = f"{log[position].number} is no criterion of the rubric as it stands before this edit"
        yield Finding(FaultKind.EDIT_LOG, (position, "number"), message)
        return
    if replayed == tuple(edited):
        return
    at = next((n for n, (a, b) in enumerate(zip(replayed, edited, strict=False)) if a != b), None)
    where = f"criterion {at} differs" if at is not None else f"{len(replayed)} criteria against {len(edited)}"
    yield Finding(FaultKind.EDIT_LOG, (), f"does not lead from drafted_rubric to edited_rubric: {where}")


def _candidate_findings(candidates: Sequence[Candidate]) -> Iterator[Finding]:
    seen: set[str] = {TIE}
    for number, candidate in enumerate(candidates):
        if candidate.id in seen:
            yield Finding(FaultKind.DUPLICATE_ID, (number, "id"), f"{candidate.id!r} is taken")
        seen.add(candidate.id)
