"""What one request may spend: model calls, tokens, time; and what it may still begin as time runs out.

Invariant: one budget per request, retries included; once it refuses a call, it refuses every later one.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum

from service.revision.failure import Reason, StageFailure
from service.revision.guard import DEFAULT_LIMITS, GuardLimits


@dataclass(frozen=True, slots=True)
class Limits:
    """Every bound of the loop; the values are our choice. Tokens are per call unless said otherwise."""

    max_calls: int = 64
    max_total_tokens: int = 400_000
    """Over the whole request, prompt tokens that the engine had cached not counted."""
    rubric_tokens: int = 900
    critique_tokens: int = 900
    edit_tokens: int = 600
    rewrite_tokens: int = 4096
    all_principles: int = 40
    """How many principles "all" lists at most: about 3,000 tokens."""
    top_logprobs: int = 20
    severe_points: int = 8
    edit_reserve_ms: float = 4000.0
    verdict_reserve_ms: float = 1000.0
    edit_reserve_share: float = 0.25
    """No reserve takes more of a deadline than its share, else short deadlines would never be guided."""
    verdict_reserve_share: float = 0.08
    guard: GuardLimits = DEFAULT_LIMITS


class Level(IntEnum):
    """How much of the loop the remaining time allows."""

    DRAFT_ONLY = 0
    GATED = 1
    GUIDED = 2


class Budget:
    """Counts what one request spends from the moment it is made, or from ``started`` on the clock."""

    def __init__(
        self,
        limits: Limits,
        deadline_ms: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        started: float | None = None,
    ) -> None:
        self._limits = limits
        self._deadline_ms = deadline_ms
        self._clock = clock
        self._started = clock() if started is None else started
        self._calls = 0
        self._tokens = 0

    @property
    def remaining_ms(self) -> float:
        """Time to the deadline, infinite without one."""
        if self._deadline_ms is None:
            return float("inf")
        return self._deadline_ms - (self._clock() - self._started) * 1000

    def level(self) -> Level:
        """Say what may still be begun: guided, then gated (verdicts only), then the draft alone."""
        if self._deadline_ms is None:
            return Level.GUIDED
        limits, remaining = self._limits, self.remaining_ms
        if remaining > min(limits.edit_reserve_ms, self._deadline_ms * limits.edit_reserve_share):
            return Level.GUIDED
        enough = remaining > min(limits.verdict_reserve_ms, self._deadline_ms * limits.verdict_reserve_share)
        return Level.GATED if enough else Level.DRAFT_ONLY

    def require(self, level: Level, otherwise: Reason = Reason.DEADLINE) -> None:
        """Raise ``StageFailure`` where the deadline is too near for a stage of this level."""
        if self.level() < level:
            raise StageFailure(otherwise)

    def open_call(self) -> None:
        """Count a model call that is about to begin. Raises ``StageFailure`` where nothing is left for it."""
        if self._calls >= self._limits.max_calls:
            raise StageFailure(Reason.CALLS)
        if self._tokens >= self._limits.max_total_tokens:
            raise StageFailure(Reason.TOKENS)
        self._calls += 1

    def spend(self, tokens: int, retries: int = 0) -> None:
        """Count what a call turned out to cost."""
        self._tokens += tokens
        self._calls += retries

    @asynccontextmanager
    async def in_time(self) -> AsyncGenerator[None, None]:
        """Cancel the block at the deadline and raise ``StageFailure``."""
        try:
            async with asyncio.timeout(None if self._deadline_ms is None else max(0.0, self.remaining_ms) / 1000):
                yield
        except TimeoutError as error:
            raise StageFailure(Reason.DEADLINE) from error
