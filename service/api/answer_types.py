"""What answers of our own look like, field by field: the OpenAPI document is made from these.

Invariant: closed, so that a field that is sent and not described here is a fault that schema tests see.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from principles.schema import Dimension, Expertise, Principle, ReviewStatus, TaskType, Uncertainty, Urgency
from service.revision.edits import Operation
from service.revision.guard import Refusal
from service.revision.trace import Outcome


class Told(BaseModel):
    """An answer's type."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class UrgencyFound(Told):
    """The urgency of the question, and the share of the vote for it (None where it was not voted)."""

    value: Urgency
    confidence: float | None = Field(ge=0, le=1)


class UncertaintyFound(Told):
    """Whether asking would settle what is uncertain."""

    value: Uncertainty
    confidence: float | None = Field(ge=0, le=1)


class ExpertiseFound(Told):
    """Who asks."""

    value: Expertise
    confidence: float | None = Field(ge=0, le=1)


class TaskTypeFound(Told):
    """What is asked for."""

    value: TaskType
    confidence: float | None = Field(ge=0, le=1)


class ScenarioFound(Told):
    """The question's scenario; a dimension that was not looked for is left out."""

    urgency: UrgencyFound | None = None
    uncertainty: UncertaintyFound | None = None
    expertise: ExpertiseFound | None = None
    task_type: TaskTypeFound | None = None


class PrincipleFound(Told):
    """A principle that bears on the question."""

    id: str
    similarity: float | None
    dimension: Dimension
    title: str
    statement: str
    basis: str
    review: ReviewStatus


class VerdictTold(Told):
    """One verdict: P(met), what that comes to, and whether a good answer gets it; None where unscored."""

    probability: float | None = Field(ge=0, le=1)
    met: bool | None
    satisfied: bool | None


class CriterionJudged(Told):
    """One criterion with its verdicts on the draft and on the answer; None where it was not judged."""

    number: int = Field(ge=1)
    text: str
    points: int
    principle: str | None
    before: VerdictTold | None
    after: VerdictTold | None


class EditTold(Told):
    """One edit and, if it was refused, why."""

    criterion: int = Field(ge=1)
    operation: Operation | None
    number: int | None = Field(ge=0)
    text: str | None
    accepted: bool
    reason: Refusal | None


class Step(Told):
    """Tokens and time of one model call; ``start_ms`` counts from the loop's beginning."""

    step: str
    prompt_tokens: int = Field(ge=0)
    cached_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)
    start_ms: float = Field(ge=0)
    ms: float = Field(ge=0)


class PromptDetails(Told):
    """Of the prompt tokens, those that the engine had already."""

    cached_tokens: int = Field(ge=0)


class CompletionDetails(Told):
    """Of the completion tokens, those of hidden steps."""

    reasoning_tokens: int = Field(ge=0)


class TokensUsed(Told):
    """Tokens of all model calls, in OpenAI's words."""

    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)
    total_tokens: int = Field(ge=0)
    prompt_tokens_details: PromptDetails
    completion_tokens_details: CompletionDetails


class Usage(TokensUsed):
    """Tokens of all model calls, and of each."""

    steps: list[Step]


class TraceView(Told):
    """The trace of one request."""

    outcome: Outcome
    reason: str | None
    rounds: int = Field(ge=0)
    draft: str
    scenario: ScenarioFound
    principles: list[PrincipleFound]
    criteria: list[CriterionJudged]
    edits: list[EditTold]
    corpus: str
    prompts: str
    usage: Usage
    timings_ms: dict[str, float]


class ExtensionTold(Told):
    """The ``preceptor`` object of a guided completion."""

    outcome: Outcome
    reason: str | None
    overhead_ms: float | None
    trace: TraceView | None = None


class ModelTold(Told):
    """Whether answers under a name are guided, and what is to be known of the model that gives them."""

    guided: bool
    engine_model: str | None
    bundled: bool | None
    notice: str | None


class ModelRow(Told):
    """One model name."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    preceptor: ModelTold


class ModelList(Told):
    """The model names."""

    object: Literal["list"]
    data: list[ModelRow]


class PrincipleRow(Principle):
    """A principle as the corpus has it."""

    object: Literal["principle"]


class PrincipleList(Told):
    """A page of principles."""

    object: Literal["list"]
    data: list[PrincipleRow]
    total: int = Field(ge=0)
    has_more: bool
    corpus: str
    dimensions: list[Dimension]


class SearchTimings(Told):
    """What a search took."""

    embed: float = Field(ge=0)
    search: float = Field(ge=0)


class SearchResult(Told):
    """What a search found, most similar first."""

    object: Literal["list"]
    corpus: str
    scenario: ScenarioFound
    data: list[PrincipleFound]
    timings_ms: SearchTimings


class Alive(Told):
    """The process answers."""

    status: Literal["alive"]


class Readiness(Told):
    """Whether the gateway can be asked, and what it waits for."""

    status: Literal["ready", "waiting", "draining"]
    engine: bool
    engines: dict[str, str]
    principles: int = Field(ge=0)
    corpus: str
    model: str | None
