"""Which failures of a server are worth asking again, for every model that an evaluation asks.

Invariant: what says that this one question cannot be answered is not asked again; all else is, until inspect's limits.
"""

import httpx
from inspect_ai.model import RetryDecision

_OF_THE_QUESTION = frozenset({400, 401, 403, 404, 405, 413, 415, 422})
TOO_MANY = 429


def retried(status: int | None, error: BaseException) -> RetryDecision:
    """Decide by HTTP status, or by the transport's error where there is none."""
    if status == TOO_MANY:
        return RetryDecision.rate_limit()
    if status is not None:
        return RetryDecision.no() if status in _OF_THE_QUESTION else RetryDecision.transient()
    return RetryDecision.transient() if isinstance(error, httpx.TransportError) else RetryDecision.no()
