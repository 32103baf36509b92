"""Token counts of a whole request, in OpenAI's words.

Every model call counts. The answer's own tokens are those of the step that it was taken from: the draft, or the rewrite
that replaced it; the completion tokens of all other steps (rubric, verdicts, edits, checks, a discarded draft) are
``reasoning_tokens``. Invariant: 0 <= reasoning_tokens <= completion_tokens.
"""

from collections.abc import Sequence
from typing import Any

from service.revision.trace import Outcome, StepUsage, Trace

_WHOLE_ANSWERS = ("rewrite", "improve")


def usage_of(trace: Trace) -> dict[str, Any]:
    """The ``usage`` object of a finished loop."""
    prompt = sum(step.prompt_tokens for step in trace.usage)
    completion = sum(step.completion_tokens for step in trace.usage)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": sum(step.cached_tokens for step in trace.usage)},
        "completion_tokens_details": {"reasoning_tokens": completion - _answer_tokens(trace.usage, trace.outcome)},
    }


def _answer_tokens(usage: Sequence[StepUsage], outcome: Outcome) -> int:
    wanted = _WHOLE_ANSWERS if outcome is Outcome.REWRITTEN else ("draft",)
    found = [step.completion_tokens for step in usage if step.step in wanted]
    return found[-1] if found else 0
