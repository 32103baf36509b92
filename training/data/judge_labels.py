"""Owns judge labels: one answer, one criterion, and whether an expert says that it is met.

Invariant: a label is true or false. A verdict that could not be read is no label and has no row.
"""

from training.data.fields import Id, Line, Points, Prompt, Row, Text


class JudgeLabel(Row):
    """One expert's verdict; for a criterion with negative points ``met`` says that the fault is there."""

    id: Id
    prompt: Prompt
    answer: Text
    criterion: Text
    points: Points | None = None
    met: bool
    labelled_by: Line
