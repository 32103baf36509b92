"""Owns the principle that a model made of a cluster: its JSON schema, reading it strictly, and writing it to train on.

Invariant: what is read obeys the corpus' own rules for title, statement, reason and points, or is a ``MergeFailure``.
"""

import json
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import ValidationError

from principles.corpus import describe
from principles.schema import MAX_TITLE_LENGTH, Polarity, Principle
from service.revision.strict_json import NotStrictJSON, has_controls, is_visible, is_whole, read_json

MAX_SENTENCE_CHARS = 400
_FIELDS = ("title", "statement", "polarity", "why", "points")
_TEXTS = ("title", "statement", "why")


class MergeFailure(Exception):
    """The model's answer is no principle; the cluster stays unmerged and is reported with this reason."""


@dataclass(frozen=True, slots=True)
class MergedPrinciple:
    """One principle as the model wrote it; the compact prompt asks for neither reason nor points."""

    title: str
    statement: str
    polarity: Polarity
    why: str | None = None
    points: int | None = None


def merge_schema(whole: bool) -> dict[str, Any]:
    """The JSON schema of an answer, with reason and points where ``whole``."""
    properties: dict[str, Any] = {
        "title": {"type": "string", "maxLength": MAX_TITLE_LENGTH},
        "statement": {"type": "string", "maxLength": MAX_SENTENCE_CHARS},
        "polarity": {"type": "string", "enum": list(get_args(Polarity))},
    }
    if whole:
        properties["why"] = {"type": "string", "maxLength": MAX_SENTENCE_CHARS}
        properties["points"] = {"type": "integer", "enum": [n for n in range(-10, 11) if n]}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def render_merged(merged: MergedPrinciple) -> str:
    """Write a principle as the model is to write it: compact JSON, without what is None."""
    values = {name: getattr(merged, name) for name in _FIELDS}
    found = {name: value for name, value in values.items() if value is not None}
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def parse_merged(text: str) -> MergedPrinciple:
    """Read the model's principle. Raises ``MergeFailure`` with the reason."""
    try:
        value = read_json(text)
    except NotStrictJSON as error:
        raise MergeFailure(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise MergeFailure("no JSON object")
    if unknown := sorted(value.keys() - set(_FIELDS)):
        raise MergeFailure(f"unknown fields: {', '.join(unknown)[:100]}")
    for name in _TEXTS:
        _check_text(name, value.get(name), optional=name == "why")
    points = value.get("points")
    if points is not None and not is_whole(points, -10, 10):
        raise MergeFailure("points: no whole number from -10 to 10")
    return _obeying(value)


def _check_text(name: str, value: object, *, optional: bool) -> None:
    if value is None and optional:
        return
    if not isinstance(value, str) or not is_visible(value):
        raise MergeFailure(f"{name}: no text")
    if has_controls(value) or len(value.splitlines()) > 1 or len(value) > MAX_SENTENCE_CHARS:
        raise MergeFailure(f"{name}: not one line of at most {MAX_SENTENCE_CHARS} characters")


def _obeying(value: dict[str, Any]) -> MergedPrinciple:
    """Have the corpus' own schema judge it, with what is not the model's to say filled in."""
    stand_in = -1 if value.get("polarity") == "avoid" else 1
    points = value.get("points")
    try:
        principle = Principle.model_validate(
            {
                "id": "urgency.candidate",
                "dimension": "urgency",
                "applies": {},
                "title": value["title"],
                "polarity": value.get("polarity"),
                "statement": value["statement"],
                "why": value.get("why") or "-",
                "points": stand_in if points is None else points,
            }
        )
    except ValidationError as error:
        raise MergeFailure("; ".join(fault.removeprefix("answer: ") for fault in describe(error, "answer"))) from error
    why = None if value.get("why") is None else principle.why
    return MergedPrinciple(principle.title, principle.statement, principle.polarity, why, points)
