"""The rubric of one query: criteria that the model wrote from the retrieved principles.

Invariant: a criterion has visible text on one line, points in [-10, 10] other than 0, and a listed principle or none.
"""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.revision.strict_json import NotStrictJSON, is_visible, is_whole, read_json

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
        rows = read_json(text)
    except NotStrictJSON as error:
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
    if not isinstance(text, str) or not is_visible(text):
        raise RubricFailure("a criterion has no text")
    if not is_whole(points, -10, 10) or points == 0:
        raise RubricFailure("points that are not in [-10, 10] without 0")
    if not is_whole(number, 0, len(principle_ids)):
        raise RubricFailure("a principle that is not listed")
    return Criterion(_one_line(text), points, principle_ids[number - 1] if number else None)


def _one_line(text: str) -> str:
    """Control characters and line breaks become spaces: a criterion must not look like several, or like a new turn."""
    plain = "".join(" " if unicodedata.category(char) == "Cc" else char for char in text[: 2 * MAX_CRITERION_CHARS])
    return " ".join(plain.split())[:MAX_CRITERION_CHARS].rstrip()
