"""One request on its way through the loop: its task, its means, its trace, and what has been sent of its answer.

Invariant: what was sent of the answer is never taken back; a text that does not continue it is refused.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from models.engine import ChatRequest
from service.revision.budget import Budget, Limits
from service.revision.calls import Calls
from service.revision.events import AnswerDelta, Event
from service.revision.prompts import Message, PromptSet
from service.revision.task import Task
from service.revision.trace import Trace
from service.revision.tracing import Step


@dataclass(slots=True)
class Run:
    """What every step of the loop is handed; nothing in it outlives the request."""

    task: Task
    prompts: PromptSet
    limits: Limits
    threshold: float
    logprobs: bool
    constrained: bool
    budget: Budget
    calls: Calls
    trace: Trace
    emit: Callable[[Event], None]
    sent: str = ""
    room_tokens: int | None = None
    """How far the answer may grow within the client's ``max_tokens``; None without such a bound."""

    def request(
        self,
        messages: Sequence[Message],
        max_tokens: int | None,
        schema: Mapping[str, Any] | None = None,
        top_logprobs: int | None = None,
    ) -> ChatRequest:
        """A call of the loop's own: temperature 0, none of the client's sampling."""
        return ChatRequest(
            messages=tuple(messages),
            max_tokens=max_tokens,
            temperature=0.0,
            json_schema=schema if self.constrained else None,
            top_logprobs=top_logprobs,
            extra=self.task.everywhere,
            headers=self.task.headers,
        )

    def send_up_to(self, text: str) -> None:
        """Send what ``text`` adds to the answer sent so far."""
        if not text.startswith(self.sent):
            raise AssertionError("an answer must continue what was sent of it")
        if len(text) > len(self.sent):
            self.emit(AnswerDelta(text[len(self.sent) :]))
            self.sent = text

    def step(self, name: str) -> AbstractContextManager[Step]:
        """A span around a step, for whoever traces the request."""
        return self.task.tracer.step(name)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the block's time to the stage's, in milliseconds."""
        started = time.perf_counter()
        try:
            yield
        finally:
            spent = (time.perf_counter() - started) * 1000
            self.trace.timings_ms[stage] = self.trace.timings_ms.get(stage, 0.0) + spent
