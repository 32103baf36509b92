"""The model calls of one request: within its budget, counted in its trace, timed.

Invariant: every call leaves one ``StepUsage``, also one that failed or was cancelled.
"""

import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace

from models.engine import ChatRequest, Completion, Delta, Engine, Usage
from service.revision.budget import Budget
from service.revision.trace import StepUsage, Trace
from service.revision.tracing import UNTRACED, Call, Tracer

REQUEST_ID = "x-request-id"
# Steps of an answer that has been begun. They are short and find its draft in the prefix cache while it is still there.
FINISHING = frozenset({"verdict", "critique", "edit", "check", "rewrite", "improve"})


class Calls:
    """Opens calls to the engine for one request. Both methods raise ``EngineError`` and ``StageFailure``."""

    def __init__(
        self,
        engine: Engine,
        budget: Budget,
        trace: Trace,
        tracer: Tracer = UNTRACED,
        *,
        spent: Callable[[Usage], None] | None = None,
        priorities: bool = False,
    ) -> None:
        self._engine = engine
        self._budget = budget
        self._trace = trace
        self._tracer = tracer
        self._spent = spent
        self._priorities = priorities
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
        with self._waiting(), self._tracer.call(self._engine.model, stream=False) as call:
            try:
                completion = await self._engine.chat(self._named(step, request, call))
                usage, retries = completion.usage, completion.attempts - 1
                call.begun(completion.engine)
                call.answered(usage, completion.finish_reason, completion.attempts)
            finally:
                self._count(step, usage, started, retries)
        return completion

    async def stream(self, step: str, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Answer as it is written; close the generator to abort the call."""
        usage, finish_reason, engine, begun, attempts = Usage(), None, "", False, 1
        self._budget.open_call()
        started = time.perf_counter()
        with self._waiting(), self._tracer.call(self._engine.model, stream=True) as call:
            try:
                async with aclosing(self._engine.stream(self._named(step, request, call))) as deltas:
                    async for delta in deltas:
                        usage, attempts = delta.usage or usage, max(attempts, delta.attempts)
                        finish_reason = delta.finish_reason or finish_reason
                        engine = delta.engine or engine
                        if not begun and (delta.text or delta.reasoning):
                            begun = True
                            call.begun(engine)
                        yield delta
                call.answered(usage, finish_reason)
            finally:
                self._count(step, usage, started, attempts - 1)

    def _named(self, step: str, request: ChatRequest, call: Call) -> ChatRequest:
        """Give the call an id of its own under the request's: vLLM names its requests by it, and logs them so."""
        if self._priorities and step in FINISHING:
            request = replace(request, priority=_one_earlier(request.extra.get("priority")))
        headers = call.headers(request.headers)
        id_ = headers.get(REQUEST_ID)
        if id_ is not None:
            self._numbers[step] += 1
            headers = {**headers, REQUEST_ID: f"{id_}-{step}-{self._numbers[step]}"}
        return request if headers is request.headers else replace(request, headers=headers)

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
        if self._spent is not None:
            self._spent(usage)
        tokens = (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens)
        start_ms = (started - self._begun) * 1000
        self._trace.usage.append(StepUsage(step, *tokens, _ms_since(started), start_ms))


def _one_earlier(own: object) -> int | None:
    """The client's own priority, 0 without one, and one before it; one that is no number is the engine's to refuse."""
    if own is None:
        return -1
    return own - 1 if isinstance(own, int) and not isinstance(own, bool) else None


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
