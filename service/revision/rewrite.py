"""Whole new answers: the fallback where no edit could be read, and the control that improves without principles.

Invariant: a rewrite takes the draft's place only if it satisfies more points and loses no criterion of many points.
"""

from collections.abc import Sequence

from models.engine import Completion, EngineError
from service.revision.critique import is_severe, judge, satisfied, unsatisfied
from service.revision.failure import Reason, StageFailure
from service.revision.guard import Refusal, rewrite_refusal
from service.revision.prompts import Message
from service.revision.run import Run
from service.revision.trace import Verdict


async def rewrite(run: Run, answer: str, verdicts: Sequence[Verdict]) -> tuple[str, list[Verdict]] | Refusal:
    """Return a better whole answer and the verdicts on it, or why there is none. Raises ``StageFailure``."""
    wrong = [verdict for verdict in verdicts if unsatisfied(run, verdict)]
    protected = [verdict for verdict in verdicts if satisfied(run, verdict) and is_severe(run, verdict)]
    criteria = [run.trace.criteria[verdict.criterion] for verdict in wrong]
    prompt = run.prompts.rewrite(run.task.messages, answer, [criterion.text for criterion in criteria])
    limit = min(run.limits.rewrite_tokens, run.task.sampling.max_tokens or run.limits.rewrite_tokens)
    completion = await _whole_answer(run, "rewrite", prompt, limit, Reason.REWRITE_FAILED)
    text = completion.text.strip()
    if completion.finish_reason == "length" or not text:
        return Refusal.UNREADABLE
    sampling = run.task.sampling
    if any(text.count(stop) > answer.count(stop) for stop in (*sampling.stop, *sampling.bad_words)):
        return Refusal.STOP
    refused = rewrite_refusal(answer, text, criteria, run.limits.guard)
    if refused is not None:
        return refused
    checks = await judge(run, text, [verdict.criterion for verdict in [*wrong, *protected]], "revision")
    now_right = [satisfied(run, check) for check in checks]
    if any(now_right[: len(wrong)]) and all(now_right[len(wrong) :]):
        run.trace.finish_reason = completion.finish_reason or run.trace.finish_reason
        return text, checks
    return Refusal.NOT_BETTER


async def improve(run: Run, draft: str) -> str:
    """Return the control's answer: as the model would have it, unguarded. Raises ``StageFailure``."""
    prompt = run.prompts.improve(run.task.messages, draft)
    completion = await _whole_answer(run, "improve", prompt, run.task.sampling.max_tokens, Reason.IMPROVE_FAILED)
    if not completion.text.strip():
        raise StageFailure(Reason.IMPROVE_FAILED)
    run.trace.finish_reason = completion.finish_reason or run.trace.finish_reason
    return completion.text


async def _whole_answer(
    run: Run, step: str, prompt: Sequence[Message], max_tokens: int | None, reason: Reason
) -> Completion:
    try:
        with run.step(step):
            return await run.calls.chat(step, run.request(prompt, max_tokens))
    except EngineError as error:
        raise StageFailure(reason) from error
