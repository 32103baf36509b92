"""Verdicts on an answer: one single-token call per criterion in parallel, or one joint call without log-probabilities.

Invariant: a verdict that cannot be read stays unscored (met None); it is never taken for "not met".
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal

from models.engine import EngineError
from models.judge import TOP_LOGPROBS, JudgeFailure, probability_of_yes
from service.revision.events import VerdictGiven
from service.revision.failure import StageFailure
from service.revision.run import Run
from service.revision.strict_json import NotStrictJSON, is_whole, read_json
from service.revision.trace import Verdict

Subject = Literal["draft", "revision"]
_NAMES = {True: "met", False: "unmet", None: "unscored"}


async def judge(run: Run, answer: str, criteria: Sequence[int], subject: Subject) -> list[Verdict]:
    """Judge ``answer`` by the criteria with these indices. Raises ``StageFailure`` where the budget is empty."""
    if not criteria:
        return []
    if not run.logprobs:
        return await _jointly(run, answer, criteria, subject)
    failure: StageFailure | None = None
    tasks: list[asyncio.Task[Verdict]] = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks += [group.create_task(_one(run, answer, index, subject)) for index in criteria]
    except* StageFailure as failures:
        failure = StageFailure(_first(failures).reason)
    if failure is not None:
        raise failure
    return [task.result() for task in tasks]


def satisfied(run: Run, verdict: Verdict) -> bool:
    """Say whether the verdict is known, and the one that a good answer gets."""
    return verdict.met is not None and run.trace.criteria[verdict.criterion].satisfied_by(verdict.met)


def unsatisfied(run: Run, verdict: Verdict) -> bool:
    """Say whether the verdict is known, and not the one that a good answer gets."""
    return verdict.met is not None and not run.trace.criteria[verdict.criterion].satisfied_by(verdict.met)


def is_severe(run: Run, verdict: Verdict) -> bool:
    """Say whether much hangs on the verdict's criterion."""
    return abs(run.trace.criteria[verdict.criterion].points) >= run.limits.severe_points


def critique_schema(criteria: int) -> dict[str, Any]:
    """Return the JSON schema of a joint critique: for each criterion the reason, and only then the verdict."""
    row = {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "enum": list(range(1, criteria + 1))},
            "reason": {"type": "string", "maxLength": 300},
            "met": {"type": "boolean"},
        },
        "required": ["n", "reason", "met"],
        "additionalProperties": False,
    }
    return {"type": "array", "items": row, "minItems": criteria, "maxItems": criteria}


def parse_critique(text: str, criteria: int) -> list[bool | None]:
    """Read a joint critique; a criterion that is missing or judged both ways stays None."""
    try:
        rows = read_json(text)
    except NotStrictJSON:
        return [None] * criteria
    said: dict[int, set[bool]] = {}
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, Mapping) and is_whole(row.get("n"), 1, criteria) and isinstance(row.get("met"), bool):
            said.setdefault(row["n"], set()).add(row["met"])
    verdicts = (said.get(number, set()) for number in range(1, criteria + 1))
    return [next(iter(verdict)) if len(verdict) == 1 else None for verdict in verdicts]


async def _one(run: Run, answer: str, index: int, subject: Subject) -> Verdict:
    prompt = run.prompts.verdict(run.task.messages, answer, run.trace.criteria[index].text)
    request = run.request(prompt, max_tokens=1, top_logprobs=TOP_LOGPROBS)
    name = "verdict" if subject == "draft" else "check"
    verdict = Verdict(index, None, None)
    with run.step(name) as step, suppress(EngineError, JudgeFailure):
        step.note(criterion=index, verdict=_NAMES[None])
        completion = await run.calls.chat(name, request)
        probability = probability_of_yes(completion.logprobs)
        verdict = Verdict(index, probability, probability >= run.threshold)
        step.note(verdict=_NAMES[verdict.met])
    return _given(run, verdict, subject)


async def _jointly(run: Run, answer: str, criteria: Sequence[int], subject: Subject) -> list[Verdict]:
    texts = [run.trace.criteria[index].text for index in criteria]
    prompt = run.prompts.critique(run.task.messages, answer, texts)
    request = run.request(prompt, run.limits.critique_tokens, critique_schema(len(texts)))
    name = "critique" if subject == "draft" else "check"
    met: list[bool | None] = [None] * len(texts)
    with run.step(name) as step, suppress(EngineError):
        completion = await run.calls.chat(name, request)
        met = parse_critique(completion.text, len(texts))
        step.note(verdicts=[_NAMES[verdict] for verdict in met])
    return [_given(run, Verdict(index, None, verdict), subject) for index, verdict in zip(criteria, met, strict=True)]


def _given(run: Run, verdict: Verdict, subject: Subject) -> Verdict:
    run.emit(VerdictGiven(verdict, check=subject == "revision"))
    return verdict


def _first(failures: BaseExceptionGroup[StageFailure]) -> StageFailure:
    [first, *_] = failures.exceptions
    return first if isinstance(first, StageFailure) else _first(first)
