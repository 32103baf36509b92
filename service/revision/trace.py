"""What happened to one request: the record that the loop fills and the API returns.

Invariant: everything here is data of one request; nothing is shared between requests.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from service.revision.edits import Edit
from service.revision.rubric import Criterion


class Outcome(StrEnum):
    """How the loop ended; the closed set of header values and counter labels."""

    ACCEPTED = "accepted"
    REVISED = "revised"
    REWRITTEN = "rewritten"
    KEPT_DRAFT = "kept_draft"
    ROUND_LIMIT = "round_limit"
    DEGRADED = "degraded"
    BYPASSED = "bypassed"


@dataclass(frozen=True, slots=True)
class StepUsage:
    """Tokens and time of one model call.

    ``step`` is draft, rubric, verdict, critique, edit, check, rewrite or improve; ``start_ms`` counts from the loop's
    beginning.
    """

    step: str
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    ms: float
    start_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judge's answer on one criterion; ``probability`` is that the criterion is met, None where unscored."""

    criterion: int
    probability: float | None
    met: bool | None


@dataclass(frozen=True, slots=True)
class EditRecord:
    """One edit, the criterion (index from 0) that it answers, and why it was refused, if it was."""

    criterion: int
    edit: Edit | None
    refused: str | None = None


@dataclass(slots=True)
class Trace:
    """The record of one request, filled step by step."""

    draft: str = ""
    answer: str = ""
    outcome: Outcome = Outcome.DEGRADED
    reason: str | None = None
    prompts: str = ""
    finish_reason: str = "stop"
    scenario: dict[str, str] = field(default_factory=dict)
    confidence: dict[str, float] = field(default_factory=dict)
    principles: list[tuple[str, float]] = field(default_factory=list)
    criteria: tuple[Criterion, ...] = ()
    before: list[Verdict] = field(default_factory=list)
    after: list[Verdict] = field(default_factory=list)
    edits: list[EditRecord] = field(default_factory=list)
    rounds: int = 0
    usage: list[StepUsage] = field(default_factory=list)
    timings_ms: dict[str, float] = field(default_factory=dict)
