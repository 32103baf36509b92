"""The points that a judge checks one by one: every field and every list item of a gold answer.

Invariant: a point that is unknown in the gold and said to be unknown in the answer is met without asking anybody
(the third rule of MLB's published judge); any other point is asked.
"""

# ruff: noqa: RUF001, RUF002 - full-width marks are what Chinese texts hold

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.evaluation.mlb.canonical import plain
from training.evaluation.mlb.reading import json_of, without_thinking

UNKNOWN = "不详"


@dataclass(frozen=True, slots=True)
class Point:
    """One point: the field of the gold answer that it stands in, and its text."""

    field: str
    text: str

    @property
    def asked(self) -> str:
        """The point as a judge is asked for it: ``主诉：头痛三天``."""
        return f"{self.field}：{self.text}"

    @property
    def is_unknown(self) -> bool:
        """Whether the gold says that this is not known."""
        return plain(self.text) == UNKNOWN


def points_of(gold: Mapping[str, Any]) -> tuple[Point, ...]:
    """Return the points of a gold answer in its order, each once; ours, since MLB does not publish how it counts."""
    found = (
        Point(name, text.strip())
        for name, part in gold.items()
        for text in ([part] if isinstance(part, str) else part)
        if plain(text)
    )
    return tuple({(plain(point.field), plain(point.text)): point for point in reversed(list(found))}.values())[::-1]


def says_unknown(answer: str, field: str) -> bool:
    """Say whether an answer gives a field as unknown: in its JSON, or in prose as ``家族史：不详``."""
    value = json_of(answer)
    if isinstance(value, dict):
        found = [part for name, part in value.items() if plain(name) == plain(field)]
        return bool(found) and all(map(_is_unknown, found))
    said = unicodedata.normalize("NFKC", without_thinking(answer))
    named = re.escape(unicodedata.normalize("NFKC", field))
    return re.search(rf"(?<!\w){named}[\"”*]*\s*:\s*[\[\"“*]*{UNKNOWN}(?!\w)", said) is not None


def _is_unknown(part: Any) -> bool:
    if isinstance(part, list):
        return bool(part) and all(map(_is_unknown, part))
    return isinstance(part, str) and plain(part).rstrip(".") == UNKNOWN
