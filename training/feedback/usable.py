"""Owns what can be learnt from one feedback: its question, its answers and its rubric, or the reason why not.

Invariant: nothing is repaired; a feedback that lacks what a kind of data needs is left out there, by a named reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from pydantic import TypeAdapter, ValidationError

from service.revision.feedback import Content, FeedbackRecord, Preferred, ReviewedCriterion
from training.data.fields import Message, Prompt

_PROMPT: TypeAdapter[tuple[Message, ...]] = TypeAdapter(Prompt)


class LeftOut(StrEnum):
    """Why a feedback gives no row of a kind."""

    WITHHELD = "content_withheld"
    NO_MESSAGES = "no_messages"
    NO_REVISION = "no_revision"
    CONVERSATION = "conversation_of_another_form"
    SAME_ANSWER = "answers_are_the_same"
    NEITHER = "neither_is_preferred"
    NO_CRITERIA = "no_criteria"
    RUBRIC = "rubric_is_none"
    EMPTY = "empty_answer"
    TEXT = "text_that_training_refuses"


class Unusable(Exception):
    """A feedback that gives no row; ``reason`` says why."""

    def __init__(self, reason: LeftOut) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A feedback with all that training needs: the question, the answers by name, the rubric that was judged.

    ``answers`` holds ``draft``, and ``revision`` and ``own_edit`` where they differ from what stands before them.
    ``preferred`` names one of them, or is None. ``reviewer`` is the pseudonym under the client's name.
    """

    record: FeedbackRecord
    prompt: tuple[Message, ...]
    answers: dict[str, str]
    preferred: str | None
    criteria: tuple[ReviewedCriterion, ...]
    reviewer: str

    @property
    def question(self) -> str:
        """What tells one question from another: a digest of its prompt."""
        return question_digest(self.prompt)

    @property
    def revised(self) -> str:
        """The revision's text, which is the draft's where it was accepted."""
        return self.answers.get("revision", self.answers["draft"])


def reviewed(record: FeedbackRecord) -> Reviewed:
    """Read a record for training. Raises ``Unusable``."""
    if record.content is Content.WITHHELD:
        raise Unusable(LeftOut.WITHHELD)
    if record.messages is None:
        raise Unusable(LeftOut.NO_MESSAGES)
    if record.revision is None:
        raise Unusable(LeftOut.NO_REVISION)
    prompt = _prompt([turn.model_dump() for turn in record.messages])
    answers = {"draft": record.revision.draft, "revision": record.revision.answer}
    if record.own_edit is not None:
        answers["own_edit"] = record.own_edit
    if not all(text.strip() for text in answers.values()):
        raise Unusable(LeftOut.EMPTY)
    preferred = None if record.preferred is Preferred.NEITHER else record.preferred.value
    for name in [name for name in answers if name != "draft"]:
        if (same := next(other for other in answers if answers[other] == answers[name])) != name:
            del answers[name]
            preferred = same if preferred == name else preferred
    return Reviewed(record, prompt, answers, preferred, tuple(record.revision.criteria), reviewer_of(record))


def reviewer_of(record: FeedbackRecord) -> str:
    """The reviewer's pseudonym, under the client's name, for two clients may both have an ``r-1``."""
    return f"{record.client or 'anyone'}:{record.reviewer.pseudonym}"


def question_digest(prompt: Sequence[Message]) -> str:
    """A digest of roles and texts, in hexadecimal."""
    return sha256(repr([(message.role, message.content) for message in prompt]).encode()).hexdigest()


def _prompt(turns: Sequence[dict[str, str]]) -> tuple[Message, ...]:
    """The conversation as training has it: ``developer`` is what ``system`` was once called by."""
    named = [{**turn, "role": "system" if turn["role"] == "developer" else turn["role"]} for turn in turns]
    try:
        return _PROMPT.validate_python(named)
    except ValidationError:
        raise Unusable(LeftOut.CONVERSATION) from None
