"""Owns comparisons: two answers to one question and which is better, as a whole and on PulseMind's four dimensions.

Invariant: an answer is not better than itself.
"""

from typing import Literal

from pydantic import ValidationInfo, field_validator

from training.data.faults import FaultKind, Finding, refuse, wrong
from training.data.fields import Id, Line, Prompt, Row, Text

Better = Literal["first", "second", "tie"]
_SWAPPED: dict[Better, Better] = {"first": "second", "second": "first", "tie": "tie"}
_SAME = "prefers one of two answers that are the same"


class Answer(Row):
    """One answer; the model that wrote it, where known."""

    text: Text
    model: Line | None = None


class Dimensions(Row):
    """Which answer is better on each dimension."""

    proactiveness: Better
    accuracy: Better
    usefulness: Better
    language_quality: Better

    def swap(self) -> "Dimensions":
        """The same verdicts with the answers in the other order."""
        return Dimensions(
            proactiveness=_SWAPPED[self.proactiveness],
            accuracy=_SWAPPED[self.accuracy],
            usefulness=_SWAPPED[self.usefulness],
            language_quality=_SWAPPED[self.language_quality],
        )


class Comparison(Row):
    """Two answers in the order in which the judge saw them."""

    id: Id
    prompt: Prompt
    first: Answer
    second: Answer
    better: Better
    dimensions: Dimensions | None = None
    compared_by: Line

    @field_validator("better")
    @classmethod
    def _of_two_answers(cls, better: Better, info: ValidationInfo) -> Better:
        if better != "tie" and _same_answers(info):
            raise wrong(FaultKind.PREFERENCE, _SAME)
        return better

    @field_validator("dimensions")
    @classmethod
    def _each_of_two_answers(cls, dimensions: Dimensions | None, info: ValidationInfo) -> Dimensions | None:
        if dimensions is not None and _same_answers(info):
            named = dimensions.model_dump().items()
            refuse(Finding(FaultKind.PREFERENCE, (name,), _SAME) for name, better in named if better != "tie")
        return dimensions

    def swap(self) -> "Comparison":
        """The same comparison with the answers in the other order."""
        return Comparison(
            id=self.id,
            prompt=self.prompt,
            first=self.second,
            second=self.first,
            better=_SWAPPED[self.better],
            dimensions=self.dimensions.swap() if self.dimensions else None,
            compared_by=self.compared_by,
        )


def _same_answers(info: ValidationInfo) -> bool:
    first, second = info.data.get("first"), info.data.get("second")
    return isinstance(first, Answer) and isinstance(second, Answer) and first.text == second.text
