"""Owns asking engines for one row: bounded, timed, retried with growing pauses, and moved to another engine on failure.

Invariant: a step ends in a value that was read, or in one ``StepFailure`` that says why and after how many attempts.
"""

import asyncio
import hashlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from models.clock import Timeouts
from models.engine import ChatRequest, EngineError, EngineRefused, EngineTimeout
from models.vllm import VLLMEngine
from training.synthesise.settings import Engines, SynthesisError

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
REST_SECONDS = 10.0

T = TypeVar("T")


class Reason(StrEnum):
    """Why a row has no result."""

    ENGINE_UNAVAILABLE = "engine_unavailable"
    ENGINE_TIMEOUT = "engine_timeout"
    ENGINE_REFUSED = "engine_refused"
    UNREADABLE = "unreadable"
    NO_PRINCIPLES = "no_principles"
    UNSCORED = "unscored"


class StepFailure(Exception):
    """A step of one row failed for good in this run."""

    def __init__(self, step: str, reason: Reason, message: str, attempts: int) -> None:
        super().__init__(message)
        self.step, self.reason, self.message, self.attempts = step, reason, message, attempts


class Unreadable(Exception):
    """What an engine wrote is not what was asked for; another draw may be."""


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """What was read, the attempts that it took, and the seed of the last of them, if any."""

    value: T
    attempts: int
    seed: int | None


class Asker:
    """Asks for one actor, at most ``concurrent`` requests at once, in the event loop of the first one."""

    def __init__(self, engines: Engines, concurrent: int) -> None:
        self._settings = engines
        self._concurrent = concurrent
        self._slots: asyncio.Semaphore | None = None
        self._engines: dict[str, VLLMEngine] = {}
        self._resting = dict.fromkeys(engines.urls, 0.0)
        self._random = random.Random()

    async def ask(
        self,
        step: str,
        id_: str,
        seed: int | None,
        request: Callable[[int | None], ChatRequest],
        read: Callable[[str], T],
    ) -> Read[T]:
        """Send ``request(draw)`` until an answer is read; each attempt has a seed of its own, if any has.

        ``read`` raises ``Unreadable``; that is tried again at once, and an engine's trouble after a pause.
        Raises ``StepFailure``.
        """
        urls = rotated(self._settings.urls, id_)
        failure = StepFailure(step, Reason.ENGINE_UNAVAILABLE, "never asked", 0)
        for attempt in range(1, self._settings.retries + 2):
            draw, url = None if seed is None else draw_seed(seed, id_, step, attempt), self._awake(urls)
            try:
                async with self._open():
                    completion = await self._engines[url].chat(request(draw))
                return Read(read(completion.text), attempt, draw)
            except Unreadable as error:
                failure = StepFailure(step, Reason.UNREADABLE, str(error), attempt)
            except EngineRefused as error:
                raise StepFailure(step, Reason.ENGINE_REFUSED, f"{url}: {error.message}", attempt) from error
            except EngineError as error:
                late = isinstance(error, EngineTimeout)
                reason = Reason.ENGINE_TIMEOUT if late else Reason.ENGINE_UNAVAILABLE
                failure = StepFailure(step, reason, f"{url}: {error.detail}", attempt)
                self._resting[url] = time.monotonic() + REST_SECONDS
                if attempt <= self._settings.retries:
                    await asyncio.sleep(self._pause(attempt, error.retry_after))
        raise failure

    async def aclose(self) -> None:
        """Give back the connections; an actor's go with its process."""
        for engine in self._engines.values():
            await engine.aclose()

    def _open(self) -> asyncio.Semaphore:
        """The slots; with the first call come the connections, which need a running loop."""
        if self._slots is None:
            self._slots = asyncio.Semaphore(self._concurrent)
            self._engines = {url: _client(url, self._settings, self._concurrent) for url in self._settings.urls}
        return self._slots

    def _awake(self, urls: Sequence[str]) -> str:
        """The row's first engine that has not failed lately; the one that failed longest ago where all have."""
        now = time.monotonic()
        return next((url for url in urls if self._resting[url] <= now), min(urls, key=self._resting.__getitem__))

    def _pause(self, attempt: int, told: float | None) -> float:
        grown: float = min(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), LONGEST_PAUSE_SECONDS)
        return max(min(told or 0.0, LONGEST_PAUSE_SECONDS), grown * self._random.uniform(0.5, 1.0))


def rotated(urls: Sequence[str], id_: str) -> tuple[str, ...]:
    """The engines from the row's own on: all steps of a row go where their common beginning is cached."""
    first = _number(id_) % len(urls)
    return (*urls[first:], *urls[:first])


def draw_seed(seed: int, id_: str, step: str, attempt: int) -> int:
    """The sampling seed of one attempt, below 2**31: the same in every run, and another for every attempt."""
    return _number(f"{seed}\n{id_}\n{step}\n{attempt}") % 2**31


def check_engines(engines: Engines) -> None:
    """Ask every engine once what it serves. Raises ``SynthesisError`` naming one that is away or lacks the model."""
    asyncio.run(_check(engines))


async def _check(engines: Engines) -> None:
    for url in engines.urls:
        engine = _client(url, engines, 1)
        try:
            served = [card.id for card in await engine.models()]
        except EngineError as error:
            raise SynthesisError(f"no engine at {url}: {error.detail}") from error
        finally:
            await engine.aclose()
        if engines.model not in served:
            raise SynthesisError(f"{url} does not serve {engines.model!r}, only {', '.join(map(repr, served))}")


def _client(url: str, engines: Engines, connections: int) -> VLLMEngine:
    """A client that leaves retrying to us: its own few, short retries would hide the attempts."""
    timeouts = Timeouts(total=engines.timeout_seconds)
    return VLLMEngine(url, engines.model, timeouts=timeouts, retries=0, connections=connections)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
