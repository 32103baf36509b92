"""What a reviewer says of one revision: a line of the feedback export, which the gateway writes and training reads.

Invariant: closed to unknown keys and named by its version, so that a reader meets nothing it does not know; content
(texts) may be withheld as a whole, and says so.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

SCHEMA = "preceptor.feedback/1"
MAX_TEXT_CHARS = 200_000
MAX_CRITERION_CHARS = 2_000
MAX_MESSAGES = 500
MAX_ITEMS = 64

Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]
# PostgreSQL's texts hold no NUL, so that none of ours may.
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS, pattern=r"^[^\x00]*$")]
CriterionText = Annotated[str, StringConstraints(min_length=1, max_length=MAX_CRITERION_CHARS, pattern=r"^[^\x00]*$")]
Points = Annotated[int, Field(ge=-10, le=10)]
CriterionNumber = Annotated[int, Field(ge=1, le=MAX_ITEMS)]


class Preferred(StrEnum):
    """Which answer the reviewer would send."""

    DRAFT = "draft"
    REVISION = "revision"
    NEITHER = "neither"
    OWN_EDIT = "own_edit"


class Role(StrEnum):
    """What the reviewer is."""

    PHYSICIAN = "physician"
    NURSE = "nurse"
    PHARMACIST = "pharmacist"
    OTHER_CLINICIAN = "other_clinician"
    PRODUCT = "product"
    PATIENT = "patient"
    SIMULATED = "simulated"
    OTHER = "other"


class Content(StrEnum):
    """What became of the texts that came with a feedback."""

    STORED = "stored"
    DEIDENTIFIED = "deidentified"
    WITHHELD = "withheld"


class Part(BaseModel):
    """A part of a feedback: immutable, closed, strict about types."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Turn(Part):
    """One message of the conversation, as text; what is no text is left out."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text


class JudgedBefore(Part):
    """The judge's verdict; None where it was unscored."""

    probability: float | None = Field(default=None, ge=0, le=1)
    met: bool | None = None
    satisfied: bool | None = None


class ReviewedCriterion(Part):
    """One criterion as the reviewer saw it; ``number`` counts from 1, ``principle`` is a principle's id."""

    number: CriterionNumber
    text: CriterionText
    points: Points
    principle: Reference | None = None
    before: JudgedBefore | None = None
    after: JudgedBefore | None = None


class ReviewedRevision(Part):
    """The revision as the reviewer saw it: the client's copy."""

    model: Annotated[str, StringConstraints(max_length=256, pattern=r"^[^\x00]*$")] | None = None
    outcome: Reference | None = None
    prompts: Annotated[str, StringConstraints(max_length=256, pattern=r"^[^\x00]*$")] | None = None
    draft: Text
    answer: Text
    principles: list[Reference] = Field(default_factory=list, max_length=MAX_ITEMS)
    criteria: list[ReviewedCriterion] = Field(default_factory=list, max_length=MAX_ITEMS)


class VerdictCorrection(Part):
    """The reviewer's own verdict on a criterion, of the draft or of the revision."""

    criterion: CriterionNumber
    subject: Literal["draft", "revision"] = "draft"
    met: bool


class AddedCriterion(Part):
    """A criterion that the rubric should have had. Without its text where content is withheld."""

    action: Literal["add"]
    text: CriterionText | None = None
    points: Points
    principle: Reference | None = None


class ChangedCriterion(Part):
    """A criterion that should have read or counted otherwise; what is None stays."""

    action: Literal["change"]
    criterion: CriterionNumber
    text: CriterionText | None = None
    points: Points | None = None


class RemovedCriterion(Part):
    """A criterion that should not have been there."""

    action: Literal["remove"]
    criterion: CriterionNumber


RubricEdit = Annotated[AddedCriterion | ChangedCriterion | RemovedCriterion, Field(discriminator="action")]


class Reviewer(Part):
    """Who reviewed, under a name that only the client can resolve."""

    role: Role = Field(strict=False)
    pseudonym: Reference


class FeedbackRecord(Part):
    """One feedback as it is stored, read and exported. ``created`` is a Unix time in seconds."""

    schema_: Literal["preceptor.feedback/1"] = Field(alias="schema")
    id: Reference
    created: float
    client: str | None
    revision_id: Reference
    preferred: Preferred = Field(strict=False)
    reviewer: Reviewer
    patient: Reference | None
    verdicts: list[VerdictCorrection]
    rubric: list[RubricEdit]
    content: Content = Field(strict=False)
    own_edit: Text | None
    note: Text | None
    messages: list[Turn] | None
    revision: ReviewedRevision | None


def read_record(line: bytes | str) -> FeedbackRecord:
    """Read one line of an export. Raises ``ValidationError`` for what is no record of this version."""
    return FeedbackRecord.model_validate_json(line)
