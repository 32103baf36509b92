"""The seam between the loop and whoever traces it: a span for each step, and one for each call to the engine.

Invariant: what is told is counts, times and words of closed sets, never a text; a tracer returns at once and never
raises. ``UNTRACED`` does nothing, and is what a task has unless it is given another.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from models.engine import Usage

Fact = str | int | float | bool | Sequence[str]
Operation = Literal["chat", "text_completion", "embeddings"]


class Step(Protocol):
    """An open span of a step; it becomes an error where an exception leaves the block."""

    def note(self, **facts: Fact) -> None:
        """Add facts, each of which becomes an attribute ``preceptor.<name>``."""


class Call(Protocol):
    """An open span of one call to the engine."""

    def headers(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """The headers to send: ``given``, with the trace going on below this span."""

    def begun(self, engine: str) -> None:
        """The first piece has come, from the engine of this configured name."""

    def answered(self, usage: Usage, finish_reason: str | None, attempts: int = 1) -> None:
        """The whole answer has come, after so many sends."""

    def replied(self, engine: str, status: int) -> None:
        """The engine has replied to a call that is passed through."""

    def failed(self, error: str) -> None:
        """The call failed in a way that leaves the block without an exception."""


class Tracer(Protocol):
    """Opens spans below the one that is open where it is asked."""

    def step(self, name: str) -> AbstractContextManager[Step]:
        """A span around a step; what is opened inside lies below it. Not for the body of a generator."""

    def call(self, model: str, operation: Operation = "chat", *, stream: bool) -> AbstractContextManager[Call]:
        """A span around one call, from sending it to its last byte."""


class _Nothing:
    """Every span of a tracer that does not trace."""

    def __enter__(self) -> "_Nothing":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing."""

    def note(self, **facts: Fact) -> None:
        """Nothing."""

    def headers(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """What was given."""
        return given

    def begun(self, engine: str) -> None:
        """Nothing."""

    def answered(self, usage: Usage, finish_reason: str | None, attempts: int = 1) -> None:
        """Nothing."""

    def replied(self, engine: str, status: int) -> None:
        """Nothing."""

    def failed(self, error: str) -> None:
        """Nothing."""


class _Untraced:
    """Hands out one span that does nothing."""

    def __init__(self) -> None:
        self._nothing = _Nothing()

    def step(self, name: str) -> _Nothing:
        """Nothing."""
        return self._nothing

    def call(self, model: str, operation: Operation = "chat", *, stream: bool) -> _Nothing:
        """Nothing."""
        return self._nothing


UNTRACED: Tracer = _Untraced()
