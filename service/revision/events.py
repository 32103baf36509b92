"""What the loop tells while it runs, in order: drafting, then judging and revising, then one ``Finished``.

Invariant: the concatenated ``AnswerDelta`` texts are the final answer of the trace, and none is ever taken back.
"""

from dataclasses import dataclass

from service.revision.rubric import Criterion
from service.revision.trace import EditRecord, Trace, Verdict


@dataclass(frozen=True, slots=True)
class DraftBegun:
    """The engine has taken the request on: from now on it can fail, but no longer be refused."""


@dataclass(frozen=True, slots=True)
class DraftDelta:
    """A piece of the draft as the engine writes it."""

    text: str


@dataclass(frozen=True, slots=True)
class PrinciplesFound:
    """The scenario and the principles that bear on the question, with their similarities."""

    scenario: dict[str, str]
    principles: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class RubricWritten:
    """The criteria for this query."""

    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class VerdictGiven:
    """One verdict; ``check`` is true when it judges a revision rather than the draft."""

    verdict: Verdict
    check: bool


@dataclass(frozen=True, slots=True)
class EditDecided:
    """One edit, accepted or refused with its reason."""

    record: EditRecord


@dataclass(frozen=True, slots=True)
class AnswerDelta:
    """A piece of the final answer, verified as far as it ever will be."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The end: the trace is complete and its answer has been sent."""

    trace: Trace


Event = DraftBegun | DraftDelta | PrinciplesFound | RubricWritten | VerdictGiven | EditDecided | AnswerDelta | Finished
