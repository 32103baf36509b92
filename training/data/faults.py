"""Owns what can be wrong with a row of training data: a closed set of kinds, each fault with its line and field.

Invariant: records raise pydantic's ValidationError only, and every error in one maps to exactly one kind.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

Path = tuple[str | int, ...]
MAX_KEY_CHARS = 60


class FaultKind(StrEnum):
    """What is wrong, from the bytes of the line up to what the fields say together."""

    NOT_JSON = "not_json"
    BLANK_LINE = "blank_line"
    LINE_TOO_LONG = "line_too_long"
    REPEATED_KEY = "repeated_key"
    LONE_SURROGATE = "lone_surrogate"
    NOT_FINITE = "not_finite"

    WRONG_TYPE = "wrong_type"
    MISSING_FIELD = "missing_field"
    UNKNOWN_FIELD = "unknown_field"
    OTHER_KIND = "other_kind"
    BAD_VALUE = "bad_value"
    EMPTY_TEXT = "empty_text"
    CONTROL_CHARACTER = "control_character"
    TEXT_TOO_LONG = "text_too_long"
    TOO_FEW = "too_few"
    TOO_MANY = "too_many"

    DUPLICATE_ID = "duplicate_id"
    ROLES = "roles"
    POINTS = "points"
    NO_POSITIVE_POINTS = "no_positive_points"
    REPEATED_CRITERION = "repeated_criterion"
    PREFERENCE = "preference"
    EDIT_LOG = "edit_log"
    LABELS = "labels"
    IMAGE = "image"
    IDENTIFIER = "identifier"
    LOST_NUMBER = "lost_number"
    LOST_UNIT = "lost_unit"
    LOST_DRUG = "lost_drug"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong inside a value, with the path to it."""

    kind: FaultKind
    path: Path
    message: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a file; ``line`` counts from 1 and is the row's number in a Parquet file."""

    line: int
    kind: FaultKind
    path: Path
    message: str

    @property
    def field(self) -> str:
        """The dotted path, list positions from 0; ``row`` for the row as a whole."""
        return ".".join(_readable(part) for part in self.path) or "row"


_KIND_OF = {
    "missing": FaultKind.MISSING_FIELD,
    "extra_forbidden": FaultKind.UNKNOWN_FIELD,
    "finite_number": FaultKind.NOT_FINITE,
    "string_too_long": FaultKind.TEXT_TOO_LONG,
    "string_too_short": FaultKind.EMPTY_TEXT,
    "string_unicode": FaultKind.LONE_SURROGATE,
    "too_long": FaultKind.TOO_MANY,
    "too_short": FaultKind.TOO_FEW,
}

_INSTANCE = re.compile(r"a valid dictionary or instance of \w+")
_WORDING = (
    ("Input should", "should"),
    ("a valid tuple", "a list"),
    ("a valid string", "text"),
    ("a valid integer", "a whole number"),
    ("a valid boolean", "true or false"),
    ("Tuple should", "should"),
    ("Extra inputs are not permitted", "this kind has no such field"),
    ("Field required", "is missing"),
)
_VALUES = frozenset(kind.value for kind in FaultKind)


def wrong(kind: FaultKind, message: str) -> PydanticCustomError:
    """The error that a validator raises for its own value."""
    return PydanticCustomError(kind.value, "{message}", {"message": message})


def refuse(findings: Iterable[Finding]) -> None:
    """Raise one ValidationError with every finding at its own path; do nothing where there is none."""
    errors = [InitErrorDetails(type=wrong(found.kind, found.message), loc=found.path, input=None) for found in findings]
    if errors:
        raise ValidationError.from_exception_data("row", errors)


def findings_of(error: ValidationError) -> Iterator[Finding]:
    """Every error of a record's validation as a finding."""
    for detail in error.errors(include_url=False):
        if not _only_seems_short(detail):
            yield Finding(_kind(detail["type"]), detail["loc"], _message(detail))


def _only_seems_short(detail: ErrorDetails) -> bool:
    """pydantic counts the sound items of a list only; a faulty item is named by itself and does not shorten it."""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]


def _kind(error_type: str) -> FaultKind:
    if error_type in _KIND_OF:
        return _KIND_OF[error_type]
    if error_type in _VALUES:
        return FaultKind(error_type)
    return FaultKind.WRONG_TYPE if error_type.endswith(("_type", "_parsing", "_from_float")) else FaultKind.BAD_VALUE


def _message(detail: ErrorDetails) -> str:
    kind = _kind(detail["type"])
    if kind is FaultKind.WRONG_TYPE:
        return f"{_plain(detail)}, found {json_type(detail['input'])}"
    return _plain(detail)


def _plain(detail: ErrorDetails) -> str:
    text = _INSTANCE.sub("an object", detail["msg"].removeprefix("Value error, "))
    for theirs, ours in _WORDING:
        text = text.replace(theirs, ours)
    return text[:1].lower() + text[1:]


def json_type(value: Any) -> str:
    """How JSON calls the type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float):
        return "a number"
    return "a list" if isinstance(value, list | tuple) else type(value).__name__


def _readable(part: str | int) -> str:
    text = str(part)
    shown = text if text.isprintable() and text else ascii(text)
    return shown if len(shown) <= MAX_KEY_CHARS else shown[:MAX_KEY_CHARS] + "..."
