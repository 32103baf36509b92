"""The patience of one call to an engine: a limit until the next sign of life and one for the whole call.

Invariant: a wait never outlasts the earlier of the two limits; time that the consumer takes is no silence.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from models.engine import EngineTimeout, TimeoutPhase

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits in seconds; `first_token` and `between_tokens` hold for streams, `probe` for models and readiness.

    `between_tokens` is also how long an engine's host may be gone before any call to it ends.
    """

    connect: float = 5.0
    first_token: float = 60.0
    between_tokens: float = 30.0
    total: float = 600.0
    probe: float = 5.0


class CallClock:
    """Runs from its making; `heard` restarts the limit on silence."""

    def __init__(self, first: float, between: float, total: float) -> None:
        now = asyncio.get_running_loop().time()
        self._between = between
        self._total = total
        self._end = now + total
        self._phase: TimeoutPhase = "first_token"
        self._limit = first
        self._silence_end = now + first

    def heard(self) -> None:
        """Note a sign of life."""
        self._phase, self._limit = "between_tokens", self._between
        self._silence_end = asyncio.get_running_loop().time() + self._between

    async def wait(self, awaitable: Awaitable[T]) -> T:
        """Await within the limits. Raises `EngineTimeout`."""
        try:
            async with asyncio.timeout_at(min(self._end, self._silence_end)):
                return await awaitable
        except TimeoutError as error:
            if self._end <= self._silence_end:
                raise EngineTimeout("total", self._total) from error
            raise EngineTimeout(self._phase, self._limit) from error
