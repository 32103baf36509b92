"""One JSON object with, for each of the four dimensions, the reason and then the verdict: its schema and its reader.

Invariant: what is not exactly of that form is None, and never a verdict.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from service.revision.strict_json import NotStrictJSON, read_json
from training.methods.comparisons import DIMENSIONS

V = TypeVar("V", bound=str | int)

REASON_CHARS = 240
ANSWER_TOKENS = 700


def schema(field: str, allowed: Sequence[str] | Sequence[int]) -> dict[str, Any]:
    """Return the JSON schema; the verdict stands in ``field`` and is one of ``allowed``."""
    kind = "string" if isinstance(allowed[0], str) else "integer"
    verdict = {
        "type": "object",
        "properties": {
            "reason": {"type": "string", "maxLength": REASON_CHARS},
            field: {"type": kind, "enum": list(allowed)},
        },
        "required": ["reason", field],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": dict.fromkeys(DIMENSIONS, verdict),
        "required": list(DIMENSIONS),
        "additionalProperties": False,
    }


def read(text: str, field: str, allowed: Sequence[V]) -> tuple[V | None, ...]:
    """Return one verdict a dimension, in their order; all None where the text is no such object."""
    try:
        value = read_json(text)
    except NotStrictJSON:
        return (None,) * len(DIMENSIONS)
    if not isinstance(value, dict) or not value.keys() <= set(DIMENSIONS):
        return (None,) * len(DIMENSIONS)
    return tuple(_verdict(value.get(dimension), field, allowed) for dimension in DIMENSIONS)


def _verdict(row: object, field: str, allowed: Sequence[V]) -> V | None:
    if not isinstance(row, Mapping) or row.keys() != {"reason", field} or not isinstance(row["reason"], str):
        return None
    said = row[field]
    return next((value for value in allowed if type(said) is type(value) and said == value), None)
