"""The loop bound to the model that the engine serves, as soon as it can be asked what it serves.

An engine takes minutes to load a model; the gateway starts without it. Invariant: one question to the engine is under
way at a time, its answer holds for ``FRESH_S`` seconds, and what was once bound stays bound.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from models.engine import Engine, EngineError, EngineUnavailable
from models.registry import ModelEntry
from service.revision.loop import Reviser

FRESH_S = 2.0


@dataclass(frozen=True, slots=True)
class Bound:
    """An engine for one served model, the loop over it, and what is known of the model."""

    engine: Engine
    reviser: Reviser
    entry: ModelEntry

    @property
    def model(self) -> str:
        """The model's name at the engine."""
        return self.engine.model


class Binding:
    """Binds at the first sign of the engine, and knows whether the engine is ready.

    ``bind`` makes the loop for a model name and may ask the engine for what it can do; it raises ``EngineError``.
    """

    def __init__(self, probe: Engine, bind: Callable[[str], Awaitable[Bound]], model: str | None) -> None:
        self._probe = probe
        self._bind = bind
        self._model = model
        self._bound: Bound | None = None
        self._ready = False
        self._checked = float("-inf")
        self._lock = asyncio.Lock()

    @property
    def model(self) -> str | None:
        """The engine's model name, None while it is not known."""
        return self._model

    async def bound(self) -> Bound:
        """The engine and the loop. Raises ``EngineUnavailable`` until the engine has answered once."""
        if self._bound is None:
            await self.ready()
        if self._bound is None:
            raise EngineUnavailable("the engine cannot be reached")
        return self._bound

    async def ready(self) -> bool:
        """Whether the engine answered its last check."""
        async with self._lock:
            if time.monotonic() - self._checked >= FRESH_S:
                self._ready = await self._check()
                self._checked = time.monotonic()
        return self._ready

    async def _check(self) -> bool:
        if self._bound is not None:
            return await self._probe.ready()
        try:
            self._model = self._model or (await self._probe.models())[0].id
            self._bound = await self._bind(self._model)
        except (EngineError, IndexError):
            return False
        return True

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._probe.aclose()
        if self._bound is not None:
            self._bound.reviser.close()
            await self._bound.engine.aclose()
