"""Brings a fresh engine to its working speed: one request of each kind that the service sends.

Invariant: when it returns, compilation and grammars are done with, and each kind has been answered once.
"""

from collections.abc import Callable
from contextlib import aclosing
from time import perf_counter

from models.clock import Timeouts
from models.engine import ChatRequest, Engine
from models.judge import TOP_LOGPROBS
from models.vllm import VLLMEngine

WARM_UP_SECONDS = 180.0
_QUESTION = ({"role": "user", "content": "Is it well?"},)
_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"n": {"type": "integer", "enum": [1, 2]}, "text": {"type": "string", "maxLength": 8}},
        "required": ["n", "text"],
        "additionalProperties": False,
    },
    "minItems": 1,
    "maxItems": 2,
}
_KINDS = {
    "plain answer": ChatRequest(messages=_QUESTION, max_tokens=8),
    "log-probabilities": ChatRequest(messages=_QUESTION, max_tokens=1, temperature=0.0, top_logprobs=TOP_LOGPROBS),
    "JSON schema": ChatRequest(messages=_QUESTION, max_tokens=16, temperature=0.0, json_schema=_SCHEMA),
}


async def warm_up(url: str, model: str, tell: Callable[[str], None]) -> None:
    """Send each kind of request to the engine at `url`. Raises `EngineError`."""
    patient = Timeouts(first_token=WARM_UP_SECONDS, between_tokens=WARM_UP_SECONDS, total=WARM_UP_SECONDS)
    engine = VLLMEngine(url, model, timeouts=patient)
    try:
        for kind, request in _KINDS.items():
            started = perf_counter()
            await engine.chat(request)
            tell(f"warm-up, {kind}: {perf_counter() - started:.1f} s")
        started = perf_counter()
        await _stream(engine)
        tell(f"warm-up, stream: {perf_counter() - started:.1f} s")
    finally:
        await engine.aclose()


async def _stream(engine: Engine) -> None:
    async with aclosing(engine.stream(ChatRequest(messages=_QUESTION, max_tokens=8))) as deltas:
        async for _ in deltas:
            pass
