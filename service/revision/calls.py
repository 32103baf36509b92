"""The model calls of one request: within its budget, counted in its trace, timed.

Invariant: every call leaves one ``StepUsage``, also one that failed or was cancelled.
"""

import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace

from models.engine import ChatRequest, Completion, Delta, Engine, Usage
from service.revision.budget import Budget
from service.revision.trace import StepUsage, Trace

REQUEST_ID = "x-request-id"


class Calls:
    """Opens calls to the engine for one request. Both methods raise ``EngineError`` and ``StageFailure``."""

    def __init__(self, engine: Engine, budget: Budget, trace: Trace) -> None:
        self._engine = engine
        self._budget = budget
        self._trace = trace
        self._begun = time.perf_counter()
        self._open = 0
        self._waiting_since = 0.0
        self._waited_ms = 0.0
        self._numbers: Counter[str] = Counter()

    @property
    def waiting_ms(self) -> float:
        """Time so far with at least one call open."""
        return self._waited_ms + (_ms_since(self._waiting_since) if self._open else 0.0)

    async def chat(self, step: str, request: ChatRequest) -> Completion:
        """Answer in one piece."""
        usage, retries = Usage(), 0
        self._budget.open_call()
        started = time.perf_counter()
        with self._waiting():
            try:
                completion = await self._engine.chat(self._named(step, request))
                usage, retries = completion.usage, completion.attempts - 1
            finally:
                self._count(step, usage, started, retries)
        return completion

    async def stream(self, step: str, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Answer as it is written; close the generator to abort the call."""
        usage = Usage()
        self._budget.open_call()
        started = time.perf_counter()
        with self._waiting():
            try:
                async with aclosing(self._engine.stream(self._named(step, request))) as deltas:
                    async for delta in deltas:
                        usage = delta.usage or usage
                        yield delta
            finally:
                self._count(step, usage, started)

    def _named(self, step: str, request: ChatRequest) -> ChatRequest:
        """Give the call an id of its own under the request's: vLLM names its requests by it, and logs them so."""
        id_ = request.headers.get(REQUEST_ID)
        if id_ is None:
            return request
        self._numbers[step] += 1
        return replace(request, headers={**request.headers, REQUEST_ID: f"{id_}-{step}-{self._numbers[step]}"})

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        if not self._open:
            self._waiting_since = time.perf_counter()
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
            if not self._open:
                self._waited_ms += _ms_since(self._waiting_since)

    def _count(self, step: str, usage: Usage, started: float, retries: int = 0) -> None:
        self._budget.spend(usage.prompt_tokens - usage.cached_tokens + usage.completion_tokens, retries)
        tokens = (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens)
        start_ms = (started - self._begun) * 1000
        self._trace.usage.append(StepUsage(step, *tokens, _ms_since(started), start_ms))


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
