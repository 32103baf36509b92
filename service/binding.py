"""The loop bound to the model that the engine serves, as soon as it can be asked what it serves.

An engine takes minutes to load a model; the gateway starts without it. Invariant: one question to the engine is under
way at a time and its answer holds for ``FRESH_S`` seconds; an engine that serves another model is bound anew.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Set
from concurrent.futures import Executor
from dataclasses import dataclass

from models.engine import Engine, EngineError, EngineUnavailable
from models.registry import ModelEntry
from service.revision.draft import Retriever
from service.revision.loop import Reviser

FRESH_S = 2.0
log = logging.getLogger("preceptor.engine")


@dataclass(frozen=True, slots=True)
class Bound:
    """An engine for one served model, the loop over it and a request's principles, and what is known of the model.

    ``threads`` are those that the loop searches in; `Binding` lets them end.
    """

    engine: Engine
    reviser: Callable[[Retriever], Reviser]
    entry: ModelEntry
    threads: Executor

    @property
    def model(self) -> str:
        """The model's name at the engine."""
        return self.engine.model


class Binding:
    """Binds at the first sign of the engine, and knows whether the engine is ready.

    ``bind`` makes the loop for a model name and may ask the engine for what it can do; it raises ``EngineError``.
    ``told`` hears of every check whether the engine answered it.
    """

    def __init__(
        self,
        probe: Engine,
        bind: Callable[[str], Awaitable[Bound]],
        model: str | None,
        told: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._probe = probe
        self._bind = bind
        self._wanted = model
        self._told = told
        self._served: Set[str] = frozenset()
        self._bound: Bound | None = None
        self._outdated: list[Bound] = []
        self._ready = False
        self._checked = float("-inf")
        self._lock = asyncio.Lock()

    @property
    def model(self) -> str | None:
        """The engine's model name, None while it is not known."""
        return self._bound.model if self._bound else self._wanted

    @property
    def current(self) -> Bound | None:
        """The engine and the loop, None until the engine has answered once."""
        return self._bound

    def serves(self, name: str) -> bool:
        """Whether requests for this model can be handed to the engine."""
        return name == self.model or name in self._served

    async def bound(self) -> Bound:
        """The engine and the loop. Raises ``EngineUnavailable`` until the engine has answered once."""
        if self._bound is None:
            async with self._lock:
                await self._refresh()
        if self._bound is None:
            raise EngineUnavailable("the engine cannot be reached")
        return self._bound

    async def ready(self) -> bool:
        """Whether the engine answered its last check; where one is under way, the one before it."""
        if not self._lock.locked():
            async with self._lock:
                await self._refresh()
        return self._ready

    async def _refresh(self) -> None:
        if time.monotonic() - self._checked < FRESH_S:
            return
        reason = await self._check()
        if (reason is None) != self._ready or self._checked < 0:
            log.log(*_change(reason))
        self._ready = reason is None
        self._checked = time.monotonic()
        self._told(self._ready)

    async def _check(self) -> str | None:
        """Ask the engine and bind where that is to be done; why it is not ready, None where it is."""
        try:
            if self._bound is not None and not await self._probe.ready():
                return "it says that it is not healthy, or nothing"
            served = [card.id for card in await self._probe.models()]
            self._served = frozenset(served)
            model = self._wanted or next(iter(served), None)
            if model is None:
                return "it serves no model"
            if self._bound is None or (not self._wanted and self._bound.model not in self._served):
                self._outdated += [self._bound] if self._bound else []
                self._bound = await self._bind(model)
        except EngineError as error:
            return type(error).__name__
        return None

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._probe.aclose()
        for bound in (*self._outdated, *([self._bound] if self._bound else [])):
            bound.threads.shutdown(wait=False, cancel_futures=True)
            await bound.engine.aclose()


def _change(reason: str | None) -> tuple[int, str]:
    if reason is None:
        return logging.INFO, "the engine answers"
    return logging.WARNING, f"the engine is not ready: {reason}"
