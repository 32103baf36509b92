"""A guided answer in the shape of an OpenAI chat completion, whole or in chunks.

Invariant: ``finish_reason`` stands on the last choice only, and the chunks' contents add up to the answer.
"""

import time
import uuid
from typing import Any

from service.api import sse
from service.api.answer_types import TraceView
from service.api.usage import usage_of
from service.revision.trace import Trace


def new_id() -> str:
    """An id for a completion."""
    return f"chatcmpl-{uuid.uuid4().hex}"


def extension_of(trace: Trace, view: TraceView | None, overhead_ms: float | None) -> dict[str, Any]:
    """The ``preceptor`` object of a response: the outcome, and the whole trace where it was asked for."""
    overhead_ms = None if overhead_ms is None else round(overhead_ms, 3)
    told: dict[str, Any] = {"outcome": trace.outcome.value, "reason": trace.reason, "overhead_ms": overhead_ms}
    if view is not None:
        told["trace"] = view.model_dump(mode="json", exclude_unset=True)
    return told


def completion(
    model: str, trace: Trace, view: TraceView | None, reasoning: str, overhead_ms: float | None
) -> dict[str, Any]:
    """A whole completion."""
    message: dict[str, Any] = {"role": "assistant", "content": trace.answer, "refusal": None}
    if reasoning:
        message |= _reasoning(reasoning)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": trace.finish_reason}
    return {
        "id": new_id(),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [choice],
        "usage": usage_of(trace),
        "preceptor": extension_of(trace, view, overhead_ms),
    }


class Chunks:
    """Writes the chunks of one streamed completion."""

    def __init__(self, model: str) -> None:
        self._head = {
            "id": new_id(),
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": model,
        }

    def role(self) -> bytes:
        """The first chunk."""
        return self._delta({"role": "assistant", "content": ""})

    def content(self, text: str) -> bytes:
        """A piece of the answer."""
        return self._delta({"content": text})

    def reasoning(self, text: str) -> bytes:
        """A piece of the stages, under both names that clients read."""
        return self._delta(_reasoning(text))

    def last(self, trace: Trace, view: TraceView | None, overhead_ms: float | None) -> bytes:
        """The last chunk with a choice."""
        choice = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": trace.finish_reason}
        return sse.data({**self._head, "choices": [choice], "preceptor": extension_of(trace, view, overhead_ms)})

    def usage(self, trace: Trace) -> bytes:
        """The chunk that clients ask for with ``stream_options.include_usage``."""
        return sse.data({**self._head, "choices": [], "usage": usage_of(trace)})

    def _delta(self, delta: dict[str, str]) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        return sse.data({**self._head, "choices": [choice]})


def _reasoning(text: str) -> dict[str, str]:
    return {"reasoning": text, "reasoning_content": text}
