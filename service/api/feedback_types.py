"""What a feedback request and its answers say.

Invariant: what is stored is checked strictly; of a revision, which comes as the gateway once answered it, what is not
stored is passed over.
"""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.api.chat_types import Closed, Message
from service.feedback.store import Filters
from service.revision.feedback import (
    MAX_ITEMS,
    MAX_MESSAGES,
    AddedCriterion,
    CriterionNumber,
    CriterionText,
    FeedbackRecord,
    Points,
    Preferred,
    Reference,
    ReviewedRevision,
    Reviewer,
    Role,
    RubricEdit,
    Text,
    Turn,
    VerdictCorrection,
)

PAGE_ROWS = 50
MOST_ROWS = 100
CURSOR = r"^[0-9]{1,18}\.[A-Za-z0-9-]{1,64}$"
Seconds = Annotated[float, Field(ge=0, le=4_000_000_000)]


class _Given(BaseModel):
    """A part of an answer of ours that comes back."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class GivenPrinciple(_Given):
    """A principle of the answer."""

    id: Reference


class GivenVerdict(_Given):
    """A verdict of the answer."""

    probability: float | None = Field(default=None, ge=0, le=1)
    met: bool | None = None
    satisfied: bool | None = None


class GivenCriterion(_Given):
    """A criterion of the answer."""

    number: CriterionNumber
    text: CriterionText
    points: Points
    principle: Reference | None = None
    before: GivenVerdict | None = None
    after: GivenVerdict | None = None


class GivenRevision(_Given):
    """What ``POST /v1/revisions`` answered, or a chat's trace with its answer."""

    id: Reference | None = None
    model: Annotated[str, Field(max_length=256, pattern=r"^[^\x00]*$")] | None = None
    outcome: Reference | None = None
    prompts: Annotated[str, Field(max_length=256, pattern=r"^[^\x00]*$")] | None = None
    draft: Text
    answer: Text
    principles: list[GivenPrinciple] = Field(default_factory=list, max_length=MAX_ITEMS)
    criteria: list[GivenCriterion] = Field(default_factory=list, max_length=MAX_ITEMS)

    def reviewed(self) -> ReviewedRevision:
        """The part that is stored."""
        fields = self.model_dump(exclude={"id"}) | {"principles": [principle.id for principle in self.principles]}
        return ReviewedRevision.model_validate(fields)


class FeedbackRequest(Closed):
    """What a reviewer says of a revision."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "revision_id": "rev-0f3c9a52",
                    "preferred": "own_edit",
                    "own_edit": "This can be a heart attack. Call an ambulance now.",
                    "reviewer": {"role": "physician", "pseudonym": "r-17"},
                    "patient": "case-4711",
                    "verdicts": [{"criterion": 1, "subject": "revision", "met": False}],
                    "rubric": [{"action": "add", "text": "Asks whether aspirin was taken", "points": 4}],
                    "note": "The ambulance belongs in the first sentence.",
                    "messages": [{"role": "user", "content": "My chest hurts since an hour. What now?"}],
                    "revision": {"draft": "Rest. Wait.", "answer": "Rest. Call an ambulance.", "criteria": [
                        {"number": 1, "text": "Says to call an ambulance first", "points": 9}
                    ]},
                }
            ]
        }
    )  # fmt: skip

    revision_id: Reference
    preferred: Preferred = Field(strict=False)
    own_edit: Text | None = Field(default=None, min_length=1)
    reviewer: Reviewer
    patient: Reference | None = None
    verdicts: list[VerdictCorrection] = Field(default_factory=list, max_length=MAX_ITEMS)
    rubric: list[RubricEdit] = Field(default_factory=list, max_length=MAX_ITEMS)
    note: Text | None = None
    messages: list[Message] | None = Field(default=None, min_length=1, max_length=MAX_MESSAGES)
    revision: GivenRevision | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if (self.preferred is Preferred.OWN_EDIT) != (self.own_edit is not None):
            raise ValueError("own_edit is given where it is preferred, and only there")
        if any(isinstance(edit, AddedCriterion) and not (edit.text and edit.points) for edit in self.rubric):
            raise ValueError("rubric: a criterion that is added needs a text, and points other than 0")
        if self.revision is not None:
            self._agrees_with(self.revision)
        return self

    def _agrees_with(self, revision: GivenRevision) -> None:
        if revision.id not in (None, self.revision_id):
            raise ValueError("revision.id is not revision_id")
        there = {criterion.number for criterion in revision.criteria}
        edited = {edit.criterion for edit in self.rubric if not isinstance(edit, AddedCriterion)}
        if not edited | {verdict.criterion for verdict in self.verdicts} <= there:
            raise ValueError("verdicts and rubric name a criterion that revision does not have")

    def turns(self) -> list[Turn] | None:
        """The conversation as text."""
        if self.messages is None:
            return None
        return [Turn(role=message.role, content=_text(message.content)) for message in self.messages]


def _text(content: str | list[dict[str, Any]] | None) -> str:
    """What of a message is text; pictures and the like are left out."""
    if not isinstance(content, list):
        return content or ""
    return "\n".join(part["text"] for part in content if isinstance(part.get("text"), str))


class FeedbackQuery(BaseModel):
    """Which feedback is meant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preferred: Preferred | None = None
    revision_id: Reference | None = None
    patient: Reference | None = None
    reviewer: Reference | None = None
    role: Role | None = None
    since: Seconds | None = None
    before: Seconds | None = None

    def filters(self) -> Filters:
        """The same for the store."""
        return Filters(**self.model_dump(include=set(FeedbackQuery.model_fields)))


class FeedbackPage(FeedbackQuery):
    """Which page of it."""

    limit: int = Field(default=PAGE_ROWS, ge=1, le=MOST_ROWS)
    cursor: str | None = Field(default=None, pattern=CURSOR)


class ErasureQuery(BaseModel):
    """Whose feedback is to be erased, or before when (Unix seconds) it was given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    patient: Reference | None = None
    before: Seconds | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.patient is None) == (self.before is None):
            raise ValueError("give either patient or before")
        return self


class Feedback(FeedbackRecord):
    """A feedback as it is stored."""

    object: str = "feedback"


class FeedbackList(BaseModel):
    """A page, newest first; ``messages`` and ``revision`` are null here."""

    object: str
    data: list[Feedback]
    has_more: bool
    next_cursor: str | None


class Erasure(BaseModel):
    """How much was erased; ``cleared`` says that the database's files hold no trace of it either."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"object": "feedback.erasure", "erased": 3, "cleared": True}]}
    )

    object: str = "feedback.erasure"
    erased: int
    cleared: bool
