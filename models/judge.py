"""Reads a verdict from the log-probabilities of a judge's first token.

Invariant: a verdict that cannot be read is a `JudgeFailure`, never a low probability.
"""

import asyncio
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from models.engine import ChatRequest, Engine, EngineRefused, EngineTimeout, Message, Usage

TOP_LOGPROBS = 20
MIN_MASS = 0.01
PROBE_SECONDS = 60.0
# Rounding lifts a certain token a little above 0; more than this is no log-probability.
_ROUNDING = 1e-3


class JudgeFailure(Exception):
    """The judge's answer holds no readable verdict: it stays unscored."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The probability that a criterion is met, and what it cost. `ms` includes the wait for the engine."""

    probability: float
    usage: Usage
    ms: float


def probability_of_yes(alternatives: Mapping[str, float] | None) -> float:
    """P(yes) / (P(yes) + P(no)) from the log-probabilities of the first token's alternatives.

    Variants in case and surrounding space add up, and so do beginnings of the word, since a tokenizer may split it. An
    answer that is not among the alternatives is at most as likely as the last of them, and is counted as that: a
    confident judge leaves no room for the other answer in the list.
    Raises `JudgeFailure` without log-probabilities, when a value is none (NaN, clearly above 0), when neither answer is
    listed, when both together hold less than `MIN_MASS`, or when the one listed is no likelier than what is not.
    """
    if not alternatives:
        raise JudgeFailure("the engine gave no log-probabilities")
    if not all(logprob <= _ROUNDING for logprob in alternatives.values()):
        raise JudgeFailure("a value above 0, or none, is no log-probability")
    yes, no = _mass(alternatives, "yes"), _mass(alternatives, "no")
    if yes + no < MIN_MASS:
        raise JudgeFailure("neither yes nor no among the likely answers")
    floor = math.exp(min(alternatives.values()))
    if max(yes, no) <= floor and min(yes, no) == 0.0:
        raise JudgeFailure("only one answer, and no likelier than what is not listed")
    yes, no = yes or floor, no or floor
    return yes / (yes + no)


async def judge(
    engine: Engine,
    messages: Iterable[Message],
    *,
    priority: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Judgement:
    """Have the engine answer `messages` with one token. Raises `JudgeFailure` and `EngineError`."""
    request = ChatRequest(
        messages=tuple(messages),
        max_tokens=1,
        temperature=0.0,
        top_logprobs=TOP_LOGPROBS,
        priority=priority,
        headers=headers or {},
    )
    answer = await engine.chat(request)
    return Judgement(probability_of_yes(answer.logprobs), answer.usage, answer.ms)


async def gives_logprobs(engine: Engine) -> bool:
    """Ask the engine once whether it gives log-probabilities; the caller keeps the answer.

    Raises `EngineUnavailable` or `EngineTimeout` when that cannot be known now.
    """
    question = ({"role": "user", "content": "Answer yes or no."},)
    request = ChatRequest(messages=question, max_tokens=1, temperature=0.0, top_logprobs=TOP_LOGPROBS)
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            return bool((await engine.chat(request)).logprobs)
    except TimeoutError as error:
        raise EngineTimeout("total", PROBE_SECONDS) from error
    except EngineRefused:
        return False


def _mass(alternatives: Mapping[str, float], answer: str) -> float:
    """Probability of the tokens that begin, or are, the answer."""
    tokens = ((text.strip().casefold(), logprob) for text, logprob in alternatives.items())
    return sum(math.exp(logprob) for text, logprob in tokens if text and answer.startswith(text))
