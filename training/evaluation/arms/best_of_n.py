"""Best of n at the guided answer's tokens: more drafts instead of a revision, the model's own verdicts choosing.

Invariant: the tokens that the engine is reckoned to compute for it, rubric and verdicts included, are at least as many
as for the guided answer, so that the control has no less to spend.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageUser
from inspect_ai.util import collect

from models.judge import JudgeFailure, probability_of_yes
from service.revision.prompts import PromptSet, load_prompts
from training.evaluation.arms.asked import Target, draft_of, steps
from training.evaluation.asked.logprobs import alternatives
from training.evaluation.rows import Answered


@dataclass(frozen=True, slots=True)
class _Cost:
    read: int
    cached: int
    written: int
    seconds: float = 0.0
    calls: int = 0


async def best_of_n(target: Target, messages: Sequence[ChatMessage], key: str) -> Answered:
    """Of the guided answer's draft and n - 1 more, the one whose points times P(met) over its rubric are most.

    n is the least whose drafts and verdicts, at what those of the guided answer's draft cost, take all its tokens. A
    verdict that could not be read counts for nothing; of equals the first is chosen. Seconds are those of drafts that
    are written side by side, and then of verdicts given side by side. Raises ``ValueError`` without log-probabilities.
    """
    record = await target.revision(messages, key)
    if steps(record, "critique"):
        raise ValueError("best_of_n chooses by single-token verdicts, and the engine gives no log-probabilities")
    first, n = draft_of(record), affordable(record)
    drafts = [first, *await collect(*(target.answer(messages, key, number) for number in range(1, n)))]
    values = [_value(record, [_probability(criterion["before"]) for criterion in record["criteria"]])]
    costs = [_cost_of(record)]
    for draft in drafts[1:]:
        probabilities, cost = await _judged(target, messages, draft.text, record)
        values.append(_value(record, probabilities))
        costs.append(cost)
    chosen = max(range(n), key=lambda number: (values[number], -number))
    return Answered(
        drafts[chosen].text,
        sum(one.input_tokens for one in drafts) + sum(cost.read for cost in costs),
        sum(one.cached_tokens for one in drafts) + sum(cost.cached for cost in costs),
        sum(one.output_tokens for one in drafts) + sum(cost.written for cost in costs),
        max(one.seconds for one in drafts) + max(cost.seconds for cost in costs),
        n + sum(cost.calls for cost in costs),
        None,
        {"n": n, "chosen": chosen},
    )


def affordable(record: Mapping[str, Any]) -> int:
    """Return n, at least 1, reckoned in tokens written and tokens read that came from no cache."""
    spare = _computed(record["usage"]["steps"]) - _computed(steps(record, "rubric"))
    return max(1, math.ceil(spare / _computed(steps(record, "draft", "verdict"))))


async def _judged(
    target: Target, messages: Sequence[ChatMessage], answer: str, record: Mapping[str, Any]
) -> tuple[list[float | None], _Cost]:
    prompts = load_prompts("compact" if record["prompts"].startswith("compact@") else "full")
    asked = [_verdict(target, prompts, messages, answer, criterion["text"]) for criterion in record["criteria"]]
    given = await collect(*asked)
    costs = [cost for _, cost in given]
    total = _Cost(
        sum(cost.read for cost in costs),
        sum(cost.cached for cost in costs),
        sum(cost.written for cost in costs),
        max((cost.seconds for cost in costs), default=0.0),
        len(costs),
    )
    return [probability for probability, _ in given], total


async def _verdict(
    target: Target, prompts: PromptSet, messages: Sequence[ChatMessage], answer: str, criterion: str
) -> tuple[float | None, _Cost]:
    shown, question = prompts.verdict([], answer, criterion)
    said, asked = ChatMessageAssistant(content=shown["content"]), ChatMessageUser(content=question["content"])
    output = await target.one_token([*messages, said, asked])
    usage = output.usage
    if usage is None:
        raise ValueError(f"{target.plain} tells no usage: its tokens cannot be counted")
    cached = usage.input_tokens_cache_read or 0
    cost = _Cost(usage.input_tokens + cached, cached, usage.output_tokens, output.time or 0.0, 1)
    try:
        return probability_of_yes(alternatives(output)), cost
    except JudgeFailure:
        return None, cost


def _value(record: Mapping[str, Any], probabilities: Sequence[float | None]) -> float:
    pairs = zip(record["criteria"], probabilities, strict=True)
    return math.fsum(criterion["points"] * met for criterion, met in pairs if met is not None)


def _probability(verdict: Mapping[str, Any] | None) -> float | None:
    return None if verdict is None else verdict["probability"]


def _cost_of(record: Mapping[str, Any]) -> _Cost:
    """What the guided answer's rubric and its first verdicts cost, which are used again here."""
    taken = steps(record, "rubric", "verdict")
    return _Cost(
        sum(step["prompt_tokens"] for step in taken),
        sum(step["cached_tokens"] for step in taken),
        sum(step["completion_tokens"] for step in taken),
        record["timings_ms"].get("verdicts", 0.0) / 1000,
        len(taken),
    )


def _computed(taken: Sequence[Mapping[str, Any]]) -> int:
    return sum(step["prompt_tokens"] - step["cached_tokens"] + step["completion_tokens"] for step in taken)
