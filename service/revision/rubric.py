"""The rubric of one query: criteria that the model wrote from the retrieved principles.

Invariant: a criterion has non-empty text, points in [-10, 10] other than 0, and cites a retrieved principle or none.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_CRITERIA = 6
MAX_CRITERION_CHARS = 400


class RubricFailure(Exception):
    """The model's rubric could not be read; no rubric is not an empty rubric."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One checkable statement for one query.

    Positive points: a good answer meets it. Negative points: it names a fault that a good answer does not have.
    """

    text: str
    points: int
    principle_id: str | None = None

    def satisfied_by(self, met: bool) -> bool:
        """Say whether a verdict is the one that a good answer gets."""
        return met if self.points > 0 else not met


def rubric_schema(principles: int) -> dict[str, Any]:
    """Return the JSON schema of a rubric over ``principles`` listed principles (0 cites none)."""
    criterion = {
        "type": "object",
        "properties": {
            "principle": {"type": "integer", "enum": list(range(principles + 1))},
            "criterion": {"type": "string", "maxLength": MAX_CRITERION_CHARS},
            "points": {"type": "integer", "enum": [n for n in range(-10, 11) if n]},
        },
        "required": ["principle", "criterion", "points"],
        "additionalProperties": False,
    }
    return {"type": "array", "items": criterion, "minItems": 1, "maxItems": MAX_CRITERIA}


def render_rubric(criteria: Sequence[Criterion], principle_ids: Sequence[str]) -> str:
    """Write a rubric as the model is to write it: compact JSON, principles by number (used for training)."""
    numbers = {principle_id: number for number, principle_id in enumerate(principle_ids, start=1)}
    rows = [
        {"principle": numbers.get(c.principle_id or "", 0), "criterion": c.text, "points": c.points} for c in criteria
    ]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def parse_rubric(text: str, principle_ids: Sequence[str]) -> tuple[Criterion, ...]:
    """Read the model's rubric; repeated criteria count once. Raises ``RubricFailure``."""
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise RubricFailure(f"not JSON: {error}") from error
    if not isinstance(rows, list):
        raise RubricFailure("not a list")
    criteria: dict[str, Criterion] = {}
    for row in rows[:MAX_CRITERIA]:
        criterion = _criterion(row, principle_ids)
        criteria.setdefault(criterion.text.casefold(), criterion)
    if not criteria:
        raise RubricFailure("no criterion")
    return tuple(criteria.values())


def _criterion(row: object, principle_ids: Sequence[str]) -> Criterion:
    if not isinstance(row, Mapping):
        raise RubricFailure("a criterion is not an object")
    text, points, number = row.get("criterion"), row.get("points"), row.get("principle", 0)
    if not isinstance(text, str) or not text.strip():
        raise RubricFailure("a criterion has no text")
    if not isinstance(points, int) or isinstance(points, bool) or not -10 <= points <= 10 or points == 0:
        raise RubricFailure(f"points {points!r} not in [-10, 10] without 0")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= len(principle_ids):
        raise RubricFailure(f"principle {number!r} is not listed")
    return Criterion(text.strip()[:MAX_CRITERION_CHARS], points, principle_ids[number - 1] if number else None)
