"""The first token's alternatives of a model's output, as `models.judge` reads verdicts from them."""

import math
from collections.abc import Mapping, Sequence

from inspect_ai.model import Logprob, ModelOutput, TopLogprob


def alternatives(output: ModelOutput) -> Mapping[str, float] | None:
    """Return log-probabilities by token text, those that read the same added up; None where the model gave none."""
    logprobs = output.choices[0].logprobs if output.choices else None
    if logprobs is None or not logprobs.content:
        return None
    first = logprobs.content[0]
    listed: Sequence[TopLogprob | Logprob] = first.top_logprobs or [first]
    found: dict[str, list[float]] = {}
    for row in listed:
        found.setdefault(row.token, []).append(row.logprob)
    return {token: _log_sum(values) for token, values in found.items()}


def _log_sum(logprobs: Sequence[float]) -> float:
    highest = max(logprobs)
    if len(logprobs) == 1 or highest == -math.inf:
        return highest
    return min(highest + math.log(math.fsum(math.exp(value - highest) for value in logprobs)), 0.0)
