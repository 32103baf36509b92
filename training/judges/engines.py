"""The engines behind a judge: which one is asked, how many calls run at once, and when to give up.

Invariant: a call ends in an answer, in ``Unanswerable`` (this question only), or in ``JudgeUnreachable`` (no question
will be answered: a run stops rather than train on nothing).
"""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from models.clock import Timeouts
from models.engine import Engine, EngineError, EngineRefused
from models.vllm import VLLMEngine
from training.judges.errors import JudgeUnreachable, Unanswerable
from training.trl_adapter.settings import EngineJudge

T = TypeVar("T")

CONNECT_SECONDS = 5.0
BACKOFF_SECONDS = 0.5
BACKOFF_CAP_SECONDS = 30.0
# An engine's answers to one question that it cannot take, such as too long a prompt; other refusals meet every one.
_OF_THE_QUESTION = frozenset({400, 413, 422})


class JudgeEngines:
    """A pool of ``settings.urls``. It serves the event loop that first asks; ``aclose`` gives back the connections."""

    def __init__(self, settings: EngineJudge, *, backoff_seconds: float = BACKOFF_SECONDS) -> None:
        self._settings = settings
        self._backoff_seconds = backoff_seconds
        self._places = asyncio.Semaphore(settings.concurrent)
        self._random = random.Random()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._engines: dict[str, VLLMEngine] = {}

    async def ask(self, key: str, call: Callable[[Engine], Awaitable[T]]) -> T:
        """Run ``call`` on the engine that ``key`` falls to, so that its prefix cache serves all calls of one key.

        A call that fails goes on to the next engine, and after each round of all engines it waits, twice as long each
        time. Raises ``Unanswerable`` and ``JudgeUnreachable``, and lets through what else ``call`` raises.
        """
        async with self._places:
            order = ranked(self._settings.urls, key)
            for attempt in range(1, self._settings.retries + 2):
                url = order[(attempt - 1) % len(order)]
                try:
                    return await call(self._engine(url))
                except EngineRefused as error:
                    if error.status in _OF_THE_QUESTION:
                        raise Unanswerable(error.message) from error
                    raise self._unreachable(url, attempt, error) from error
                except EngineError as error:
                    if attempt > self._settings.retries:
                        raise self._unreachable(url, attempt, error) from error
                    await self._wait(attempt, len(order), error.retry_after)
        raise AssertionError("the last attempt returns or raises")

    async def aclose(self) -> None:
        """Close every connection."""
        engines, self._engines = self._engines, {}
        for engine in engines.values():
            await engine.aclose()

    def _engine(self, url: str) -> VLLMEngine:
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            raise RuntimeError("a judge's engines serve one event loop")
        self._loop = loop
        if url not in self._engines:
            limit = self._settings.timeout_seconds
            timeouts = Timeouts(connect=min(CONNECT_SECONDS, limit), total=limit)
            self._engines[url] = VLLMEngine(
                url, self._settings.model, timeouts=timeouts, retries=0, connections=self._settings.concurrent
            )
        return self._engines[url]

    async def _wait(self, attempt: int, engines: int, asked_seconds: float | None) -> None:
        if attempt % engines:
            return
        longest = min(self._backoff_seconds * 2 ** (attempt // engines - 1), BACKOFF_CAP_SECONDS)
        await asyncio.sleep(max(self._random.uniform(0.5, 1.0) * longest, min(asked_seconds or 0, BACKOFF_CAP_SECONDS)))

    def _unreachable(self, url: str, attempts: int, error: EngineError) -> JudgeUnreachable:
        others = len(self._settings.urls) - 1
        beside = f" and {others} more" if others and attempts > 1 else ""
        tried = f"{attempts} attempt{'s' if attempts > 1 else ''}"
        return JudgeUnreachable(f"judge {self._settings.model} at {url}{beside}, {tried}: {error.detail}")


def ranked(urls: Sequence[str], key: str) -> list[str]:
    """Return the URLs in the order in which a key falls to them (rendezvous hashing)."""
    return sorted(urls, key=lambda url: hashlib.sha256(f"{url}\0{key}".encode()).digest())


async def together(calls: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Await all; the first ``JudgeUnreachable`` cancels the others and is raised by itself."""
    failure: JudgeUnreachable | None = None
    tasks: list[asyncio.Task[T]] = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks += [group.create_task(call) for call in calls]
    except* JudgeUnreachable as failures:
        failure = _first(failures)
    if failure is not None:
        raise failure
    return [task.result() for task in tasks]


def _first(failures: BaseExceptionGroup[JudgeUnreachable]) -> JudgeUnreachable:
    [first, *_] = failures.exceptions
    return first if isinstance(first, JudgeUnreachable) else _first(first)
