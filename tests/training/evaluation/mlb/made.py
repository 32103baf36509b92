"""Rows made by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.evaluation.rows import Answered, Row


def row_of(
    name: str,
    dataset: str,
    values: Mapping[str, float | None],
    *,
    verdicts: Sequence[Mapping[str, Any]] = (),
    answer: str = "答",
    **metadata: Any,
) -> Row:
    """A scored row of a dataset."""
    unscored = sum(verdict["met"] is None for verdict in verdicts)
    answered = Answered(answer, 1, 0, 1, 0.0, 1, None, {})
    told = {"dataset": dataset, "question": "问", **metadata}
    return Row(name, 1, name, dict(values), tuple(verdicts), len(verdicts), unscored, "问", answered, told)
