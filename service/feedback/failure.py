"""Why feedback could not be kept or read; a leaf, so that the error boundary can name it."""

from enum import StrEnum


class Reason(StrEnum):
    """The closed set of reasons: an error's code, and a counter's label."""

    UNAVAILABLE = "unavailable"
    BUSY = "busy"
    SCHEMA = "schema"


class FeedbackFailure(Exception):
    """The feedback database did not do it; nothing of the request was kept, unless a later repeat finds it there."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class KeyReused(Exception):
    """An idempotency key came with two feedbacks that are not the same."""
