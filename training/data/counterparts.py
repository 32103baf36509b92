"""Owns counterparts: the fixed opponents' answers that CRPO compares rollouts of a prompt with.

Invariant: every prompt has at least one, each with a label of its own.
"""

from pydantic import Field, field_validator

from training.data.faults import FaultKind, Finding, refuse
from training.data.fields import Id, Line, Row, Rows, Text

MAX_COUNTERPARTS = 32


class CounterpartAnswer(Row):
    """One answer by a fixed opponent; ``refreshes`` says how often it gave way to the policy's."""

    label: Line
    answer: Text
    refreshes: int = Field(default=0, ge=0)


class CounterpartRow(Row):
    """The counterparts of one prompt."""

    prompt_id: Id
    counterparts: Rows[CounterpartAnswer] = Field(min_length=1, max_length=MAX_COUNTERPARTS)

    @field_validator("counterparts")
    @classmethod
    def _told_apart(cls, counterparts: tuple[CounterpartAnswer, ...]) -> tuple[CounterpartAnswer, ...]:
        labels = [counterpart.label for counterpart in counterparts]
        refuse(
            Finding(FaultKind.DUPLICATE_ID, (number, "label"), f"{label!r} is the label of another counterpart")
            for number, label in enumerate(labels)
            if label in labels[:number]
        )
        return counterparts
