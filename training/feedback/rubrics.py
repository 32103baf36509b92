"""Owns HealthRubrics from feedback: candidates, preference, the rubric that was written and the one the reviewer made.

Invariant: the reviewer's edits, which count criteria as they were judged, become a log that counts them as they stand.
"""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import ValidationError

from service.revision.feedback import AddedCriterion, ChangedCriterion, RemovedCriterion, ReviewedCriterion
from training.data.rubrics import TIE, Axis, HealthRubric, RubricCriterion, RubricEdit, replay
from training.feedback.usable import LeftOut, Reviewed, Unusable

AXES: Mapping[str, Axis] = {
    "urgency": "accuracy",
    "uncertainty": "context_awareness",
    "expertise": "communication_quality",
    "task_type": "completeness",
}
"""HealthBench's axis nearest to each dimension of the principles; ours."""
WITHOUT_PRINCIPLE: Axis = "completeness"


def health_rubric(found: Reviewed) -> HealthRubric:
    """Make the row; a reviewer who prefers neither has a tie. Raises ``Unusable``."""
    if len(found.answers) < 2:
        raise Unusable(LeftOut.SAME_ANSWER)
    if not found.criteria:
        raise Unusable(LeftOut.NO_CRITERIA)
    revision = found.record.revision
    assert revision is not None
    try:
        drafted = [_drafted(criterion) for criterion in found.criteria]
        log = list(_log(found))
        return HealthRubric.model_validate(
            {
                "id": found.record.id,
                "prompt": [message.model_dump() for message in found.prompt],
                "candidates": [_candidate(name, text, revision.model) for name, text in found.answers.items()],
                "preference": found.preferred or TIE,
                "drafted_by": revision.prompts or revision.model or "gateway",
                "drafted_rubric": [criterion.model_dump() for criterion in drafted],
                "edited_by": found.record.reviewer.pseudonym,
                "edited_rubric": [criterion.model_dump() for criterion in replay(drafted, log)],
                "edit_log": [edit.model_dump() for edit in log],
            }
        )
    except (ValidationError, IndexError):
        raise Unusable(LeftOut.RUBRIC) from None


def _candidate(name: str, text: str, model: str | None) -> dict[str, str]:
    row = {"id": name, "text": text}
    return row if model is None or name == "own_edit" else {**row, "model": model}


def _drafted(criterion: ReviewedCriterion) -> RubricCriterion:
    return _criterion(criterion.text, criterion.points, criterion.principle)


def _criterion(text: str, points: int, principle: str | None) -> RubricCriterion:
    axis = WITHOUT_PRINCIPLE if principle is None else AXES.get(principle.partition(".")[0], WITHOUT_PRINCIPLE)
    return RubricCriterion(criterion=text, points=points, axis=axis, principle_id=principle)


def _log(found: Reviewed) -> Iterator[RubricEdit]:
    """Changes first, then what is taken out from the last on, then what is added: so numbers hold where they stand."""
    edits, criteria = found.record.rubric, {criterion.number: criterion for criterion in found.criteria}
    places = {criterion.number: place for place, criterion in enumerate(found.criteria, start=1)}
    for edit in edits:
        if isinstance(edit, ChangedCriterion):
            yield _changed(edit, _named(criteria, edit.criterion), places[edit.criterion])
    removed = {places[_named(criteria, e.criterion).number] for e in edits if isinstance(e, RemovedCriterion)}
    for place in sorted(removed, reverse=True):
        yield RubricEdit(operation="delete", number=place)
    end = len(criteria) - len(removed)
    for offset, added in enumerate(_added(edits)):
        yield RubricEdit(operation="insert_after", number=end + offset, criterion=added)


def _changed(edit: ChangedCriterion, before: ReviewedCriterion, place: int) -> RubricEdit:
    text = before.text if edit.text is None else edit.text
    points = before.points if edit.points is None else edit.points
    return RubricEdit(operation="replace", number=place, criterion=_criterion(text, points, before.principle))


def _added(edits: Sequence[object]) -> Iterator[RubricCriterion]:
    for edit in edits:
        if isinstance(edit, AddedCriterion):
            if edit.text is None:
                raise Unusable(LeftOut.WITHHELD)
            yield _criterion(edit.text, edit.points, edit.principle)


def _named(criteria: Mapping[int, ReviewedCriterion], number: int) -> ReviewedCriterion:
    if number not in criteria:
        raise Unusable(LeftOut.RUBRIC)
    return criteria[number]
