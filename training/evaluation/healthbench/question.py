"""The question put to a judge about one criterion, in two styles, and the strict reading of its answer.

Invariant: an answer is a verdict only in the form that was asked for; all else is unread (None), never "not met". The
style ``verdict`` is the service's own prompt, so that a judge is measured on what it is asked in service.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from inspect_ai.model import Model, ModelOutput

from models.judge import TOP_LOGPROBS, JudgeFailure, probability_of_yes
from service.revision.prompts import Message, load_prompts
from service.revision.prompts.templates import filled, read_template
from service.revision.strict_json import NotStrictJSON, read_json
from training.evaluation.asked.logprobs import alternatives
from training.evaluation.asking import Asked, ask
from training.evaluation.healthbench.conversation import chat_messages
from training.judges.presented import Prompts, fenced, shown, text_of

Style = Literal["json", "verdict"]

KIND = "criterion"
"""The kind of this question's payload: messages, answer, criterion, points (None where none are shown)."""
MAX_TOKENS = 2_048
"""What the published grader may write."""

_FILE = Path(__file__).with_name("prompts") / "criterion.txt"
_VARIABLES = frozenset({"conversation", "criterion"})
_FENCE = re.compile(r"\A```(?:json)?[ \t]*\n(.*)\n[ \t]*```\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict that was read: with the judge's reason, or with the probability that it was taken from."""

    met: bool
    reason: str | None = None
    probability: float | None = None


class Question:
    """The question in one style. ``prompts`` and ``threshold`` are of the style ``verdict``: the service's prompt set,
    and the probability from which a criterion counts as met."""

    def __init__(self, style: Style = "json", prompts: Prompts = "full", threshold: float = 0.5) -> None:
        """Read the prompt. Raises ``PromptError``, and ``ValueError`` for a threshold that is no probability."""
        if not 0 <= threshold <= 1:
            raise ValueError(f"the threshold {threshold} is no probability")
        self._style, self._threshold = style, threshold
        self._template, self._prompts = load_template(), load_prompts(prompts)

    @property
    def version(self) -> str:
        """Name and content hash of the prompt, as logs carry it."""
        if self._style == "verdict":
            return f"verdict:{self._prompts.version}"
        return f"criterion@{hashlib.sha256(self._template.encode()).hexdigest()[:8]}"

    async def put(
        self, judge: Model, messages: Sequence[Message], answer: str, criterion: str, points: float | None
    ) -> Asked[Verdict]:
        """Ask whether the answer to a conversation meets a criterion, worth ``points`` where they are to be shown.

        Raises ``ValueError`` for a message that is no text.
        """
        plain = [{"role": str(message["role"]), "content": text_of(message)} for message in messages]
        payload = {"kind": KIND, "messages": plain, "answer": answer, "criterion": criterion, "points": points}
        if self._style == "json":
            prompt = self._rendered(plain, answer, criterion, points)
            return await ask(judge, prompt, payload, read_json_verdict, max_tokens=MAX_TOKENS)
        turns = chat_messages(self._prompts.verdict(plain, answer, criterion))
        # Asked once: another seed gives other words, but the same probabilities of the first.
        return await ask(
            judge, turns, payload, self._read_probability, max_tokens=1, top_logprobs=TOP_LOGPROBS, attempts=1
        )

    def _rendered(self, messages: Sequence[Message], answer: str, criterion: str, points: float | None) -> str:
        worth = "" if points is None else f"[{points:g}] "
        values = {
            "conversation": shown([*messages, {"role": "assistant", "content": answer}]),
            "criterion": worth + fenced(criterion),
        }
        return filled(self._template, values)

    def _read_probability(self, output: ModelOutput) -> Verdict | None:
        try:
            probability = probability_of_yes(alternatives(output))
        except JudgeFailure:
            return None
        return Verdict(probability >= self._threshold, probability=probability)


def load_template(path: Path = _FILE) -> str:
    """Read the prompt of the style ``json``. Raises ``PromptError`` where a variable is missing or unknown."""
    return read_template(path, _VARIABLES)


def read_json_verdict(output: ModelOutput) -> Verdict | None:
    """Read one JSON object with a true ``criteria_met`` or a false one, alone, in one fence, or after reasoning."""
    text = output.completion.strip()
    if not text.startswith(("{", "```")):
        # Some chat templates open the block in the prompt, so that the answer holds its end alone.
        text = text.partition("</think>")[2].strip()
    if fence := _FENCE.match(text):
        text = fence.group(1)
    try:
        value = read_json(text)
    except NotStrictJSON:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("criteria_met"), bool):
        return None
    reason = value.get("explanation")
    return Verdict(value["criteria_met"], reason=reason if isinstance(reason, str) else None)


def told(asked: Asked[Verdict]) -> dict[str, Any]:
    """Return what a log keeps of an answer: met, reason and probability (None where unread), raw, failed."""
    verdict = asked.value
    return {
        "met": None if verdict is None else verdict.met,
        "reason": None if verdict is None else verdict.reason,
        "probability": None if verdict is None else verdict.probability,
        "raw": asked.raw,
        "failed": asked.failed,
    }
