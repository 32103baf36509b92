"""Asks a judge behind inspect's model API: cached, read strictly, and asked again where its answer cannot be read.

Invariant: what stays unreadable is None and is told apart from every verdict; a judge that cannot be reached is an
error of the sample, which inspect runs again on resume, and never a verdict.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from inspect_ai.model import CachePolicy, ChatMessage, ChatMessageUser, GenerateConfig, Model, ModelOutput
from openai import APIStatusError

T = TypeVar("T")

ATTEMPTS = 3
PAYLOAD = "question"
"""Key of the last message's metadata that holds the question as data, for judges that read no prose."""
FOREVER = CachePolicy(expiry=None, per_epoch=False)
_AGAIN_TEMPERATURE = 1.0
_OF_THE_QUESTION = frozenset({400, 413, 422})


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """A judge's answer: ``value`` is None where it is ``unreadable`` or the judge ``refused`` this question."""

    value: T | None
    raw: str
    attempts: int
    failed: Literal["unreadable", "refused"] | None = None


async def ask(
    judge: Model,
    prompt: str | Sequence[ChatMessage],
    payload: Mapping[str, Any],
    read: Callable[[ModelOutput], T | None],
    *,
    max_tokens: int = 1024,
    top_logprobs: int | None = None,
    attempts: int = ATTEMPTS,
) -> Asked[T]:
    """Ask until ``read`` finds a value, at most ``attempts`` times: first at temperature 0, then with other seeds.

    ``payload`` (JSON, with a ``kind``) is the same question as data. Lets through what says that no answer is to be
    had from this judge at all.
    """
    messages = _with_payload(prompt, payload)
    raw = ""
    for attempt in range(1, attempts + 1):
        config = GenerateConfig(
            temperature=0.0 if attempt == 1 else _AGAIN_TEMPERATURE,
            seed=attempt,
            max_tokens=max_tokens,
            logprobs=True if top_logprobs else None,
            top_logprobs=top_logprobs,
        )
        try:
            output = await judge.generate(messages, config=config, cache=FOREVER)
        except RuntimeError as failure:
            if (refusal := _refusal(failure)) is None:
                raise
            return Asked(None, refusal, attempt, "refused")
        raw = output.completion
        value = read(output)
        if value is not None:
            return Asked(value, raw, attempt)
    return Asked(None, raw, attempts, "unreadable")


def payload_of(messages: Sequence[ChatMessage]) -> Mapping[str, Any] | None:
    """Return the question as data, as a judge of ours finds it; None where there is none."""
    metadata = messages[-1].metadata or {}
    payload = metadata.get(PAYLOAD)
    return payload if isinstance(payload, Mapping) else None


def _with_payload(prompt: str | Sequence[ChatMessage], payload: Mapping[str, Any]) -> list[ChatMessage]:
    if isinstance(prompt, str):
        return [ChatMessageUser(content=prompt, metadata={PAYLOAD: dict(payload)})]
    *before, last = prompt
    return [*before, last.model_copy(update={"metadata": {**(last.metadata or {}), PAYLOAD: dict(payload)}})]


def _refusal(failure: RuntimeError) -> str | None:
    """What a server said against this one question, which inspect wraps; None for any other failure."""
    cause = failure.__cause__
    if isinstance(cause, APIStatusError) and cause.status_code in _OF_THE_QUESTION:
        return cause.message
    return None
