"""Owns the fields that several kinds of training data share: ids, texts, points, messages and prompts.

Invariant: nothing is coerced, stripped or repaired; a value is taken as it stands or refused.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, Strict, StringConstraints

from principles.schema import Record
from service.revision.strict_json import has_controls, is_visible
from training.data.faults import FaultKind, Finding, refuse, wrong

MAX_TEXT_CHARS = 100_000
MAX_LINE_CHARS = 2_000
MAX_MESSAGES = 200
MAX_POINTS = 10

T = TypeVar("T")
Rows = Annotated[tuple[T, ...], Strict(False)]


class Row(Record):
    """Base of every record here: immutable, closed, and strict about types."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


def _plain(text: str) -> str:
    if has_controls(text):
        raise wrong(FaultKind.CONTROL_CHARACTER, "holds a control character")
    return text


def _visible(text: str) -> str:
    if not is_visible(text):
        raise wrong(FaultKind.EMPTY_TEXT, "has no visible character")
    return _plain(text)


def _one_line(text: str) -> str:
    if len(text.splitlines()) > 1:
        raise wrong(FaultKind.BAD_VALUE, "must be one line")
    return text


def _signed(points: T) -> T:
    if isinstance(points, int | float) and (points == 0 or abs(points) > MAX_POINTS):
        raise wrong(FaultKind.POINTS, f"points {_short(points)} are not in [-{MAX_POINTS}, {MAX_POINTS}] without 0")
    return points


def _short(number: int | float) -> str:
    text = str(number)
    return text if len(text) <= 20 else f"{text[:20]}..."


Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS), AfterValidator(_visible)]
OptionalText = Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS), AfterValidator(_plain)]
Line = Annotated[str, StringConstraints(max_length=MAX_LINE_CHARS), AfterValidator(_visible), AfterValidator(_one_line)]
Points = Annotated[int, AfterValidator(_signed)]
AnyPoints = Annotated[float, AfterValidator(_signed)]
Role = Literal["system", "user", "assistant"]


class Message(Row):
    """One message of a conversation, as chat clients write it."""

    role: Role
    content: Text


def _answerable(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    refuse(_role_findings(messages))
    return messages


def _role_findings(messages: Sequence[Message]) -> Iterator[Finding]:
    first = 1 if messages and messages[0].role == "system" else 0
    for number, message in enumerate(messages[first:]):
        expected = "assistant" if number % 2 else "user"
        if message.role != expected:
            yield Finding(FaultKind.ROLES, (first + number, "role"), f"should be {expected}: roles alternate from user")
    if len(messages) == first:
        yield Finding(FaultKind.ROLES, (), "has no message of the user")
    elif messages[-1].role != "user":
        yield Finding(FaultKind.ROLES, (len(messages) - 1, "role"), "should be user: the last message is answered")


Prompt = Annotated[
    tuple[Message, ...], Strict(False), Field(min_length=1, max_length=MAX_MESSAGES), AfterValidator(_answerable)
]
