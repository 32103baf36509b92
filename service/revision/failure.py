"""Why a request was answered without a full revision: the closed set of reasons, and the errors that carry them.

Invariant: a ``StageFailure`` never leaves the loop; a caller sees an outcome with a reason, or ``RevisionUnavailable``.
"""

from enum import StrEnum


class Reason(StrEnum):
    """The reasons of the outcomes degraded and bypassed, and of a revision that was cut short."""

    ROUNDS_0 = "rounds=0"
    NO_PRINCIPLES = "no_principles"
    EMPTY_DRAFT = "empty_draft"
    RETRIEVAL_FAILED = "retrieval_failed"
    RUBRIC_FAILED = "rubric_failed"
    RUBRIC_UNREADABLE = "rubric_unreadable"
    VERDICTS_UNSCORED = "verdicts_unscored"
    VERDICTS_PARTLY_UNSCORED = "verdicts_partly_unscored"
    DRAFT_TOO_LONG = "draft_too_long"
    CHECKS_UNSCORED = "checks_unscored"
    """No edit was kept, and of at least one nobody could say whether it helped."""
    EDITS_FAILED = "edits_failed"
    REWRITE_FAILED = "rewrite_failed"
    REWRITE_REFUSED = "rewrite_refused"
    IMPROVE_FAILED = "improve_failed"
    DEADLINE = "deadline"
    DEADLINE_GATED = "deadline_gated"
    """Verdicts were given, but no time was left to act on them."""
    CALLS = "budget_calls"
    TOKENS = "budget_tokens"


class StageFailure(Exception):
    """A stage after the draft could not do its work; the draft, or the best answer so far, is returned."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class RevisionUnavailable(Exception):
    """A strict request could not be revised. ``reason`` is that of the degraded outcome."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"the answer could not be revised: {reason.value}")
        self.reason = reason
