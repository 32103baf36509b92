"""What an arm asks of the target: a plain answer, or a revision with its record; and what each cost.

Invariant: the same conversation, key and options are asked once in a run, since inspect's cache holds the answer, so
that every arm that needs the guided answer or its draft sees the very same one.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from inspect_ai.model import ChatMessage, GenerateConfig, Model, ModelOutput

from models.judge import TOP_LOGPROBS
from training.evaluation.asked.gateway import REVISION
from training.evaluation.asking import FOREVER
from training.evaluation.rows import Answered

Principles = Literal["retrieved", "none", "all"]
_SEEDS = 2**31


@dataclass(frozen=True, slots=True)
class Sampling:
    """How drafts are sampled; ``seed`` is the run's, each sample and turn has its own from it."""

    seed: int
    temperature: float
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Target:
    """The models under evaluation; ``gateway`` is None for an endpoint that gives plain answers only."""

    plain: Model
    gateway: Model | None
    sampling: Sampling

    async def answer(self, messages: Sequence[ChatMessage], key: str, number: int = 0) -> Answered:
        """Ask for a plain answer; another ``number`` is another sample."""
        output = await self.plain.generate(
            list(messages), config=self._config(f"{key}:{number}" if number else key), cache=FOREVER
        )
        usage = output.usage
        if usage is None:
            raise ValueError(f"{self.plain} tells no usage: its tokens cannot be counted")
        cached = usage.input_tokens_cache_read or 0
        return Answered(
            output.completion, usage.input_tokens + cached, cached, usage.output_tokens, output.time or 0.0, 1, None, {}
        )

    async def revision(
        self, messages: Sequence[ChatMessage], key: str, *, draft: str | None = None, **options: Any
    ) -> dict[str, Any]:
        """Ask for a revision, of ``draft`` if one is given, and return the gateway's record."""
        if self.gateway is None:
            raise ValueError("this target has no gateway, so it gives no revisions")
        config = self._config(key)
        config.extra_body = {"options": options} | ({} if draft is None else {"draft": draft})
        output = await self.gateway.generate(list(messages), config=config, cache=FOREVER)
        record: dict[str, Any] = (output.metadata or {})[REVISION]
        return record

    async def one_token(self, messages: Sequence[ChatMessage]) -> ModelOutput:
        """Have the plain model say one token, with the log-probabilities of its alternatives."""
        config = GenerateConfig(temperature=0.0, max_tokens=1, logprobs=True, top_logprobs=TOP_LOGPROBS)
        return await self.plain.generate(list(messages), config=config, cache=FOREVER)

    def _config(self, key: str) -> GenerateConfig:
        digest = hashlib.sha256(f"{self.sampling.seed}:{key}".encode()).digest()
        return GenerateConfig(
            temperature=self.sampling.temperature,
            max_tokens=self.sampling.max_tokens,
            seed=int.from_bytes(digest[:8]) % _SEEDS,
        )


def whole(record: Mapping[str, Any]) -> Answered:
    """The answer of a revision that wrote its own draft."""
    usage = record["usage"]
    return Answered(
        record["answer"],
        usage["prompt_tokens"],
        usage["prompt_tokens_details"]["cached_tokens"],
        usage["completion_tokens"],
        record["timings_ms"]["total"] / 1000,
        len(usage["steps"]),
        record,
        {"outcome": record["outcome"]},
    )


def draft_of(record: Mapping[str, Any]) -> Answered:
    """The draft that a revision wrote, at what that step cost."""
    [step] = steps(record, "draft")
    return Answered(
        record["draft"],
        step["prompt_tokens"],
        step["cached_tokens"],
        step["completion_tokens"],
        record["timings_ms"]["draft"] / 1000,
        1,
        None,
        {},
    )


def revised(draft: Answered, record: Mapping[str, Any]) -> Answered:
    """The answer of a revision of a draft handed in, at the cost of both.

    Seconds are those of a gateway that writes the rubric while it drafts: what both took together counts once.
    """
    after, times = whole(record), record["timings_ms"]
    return Answered(
        after.text,
        draft.input_tokens + after.input_tokens,
        draft.cached_tokens + after.cached_tokens,
        draft.output_tokens + after.output_tokens,
        draft.seconds + after.seconds - min(draft.seconds, times.get("rubric", 0.0) / 1000),
        draft.calls + after.calls,
        record,
        after.extra,
    )


def steps(record: Mapping[str, Any], *names: str) -> list[Mapping[str, Any]]:
    """The steps of these names, in order."""
    return [step for step in record["usage"]["steps"] if step["step"] in names]
