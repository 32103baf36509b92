"""What one request may have of its client's tokens, and what its client is told of that.

Invariant: a bucket is looked up whenever it is needed, never kept, since one that is full may be forgotten.
"""

import math
from dataclasses import dataclass

from service.bucket import Bucket, Buckets, duration, whole_seconds
from service.errors import RateLimited
from service.limits import ClientLimits
from service.meter import Meter


@dataclass(frozen=True, slots=True)
class Quota:
    """One request's: whose it is, and what that client may have."""

    client: str | None
    limits: ClientLimits
    buckets: Buckets

    def meter(self) -> Meter:
        """A meter that charges this client."""
        return Meter(self._spend)

    def require_tokens(self) -> None:
        """Raise ``RateLimited`` where the client owes tokens, with the time until it does not."""
        bucket = self._bucket()
        if bucket is not None and (owes_s := bucket.owes_s) > 0:
            waits = {"retry-after": whole_seconds(owes_s), "retry-after-ms": str(math.ceil(owes_s * 1000))}
            what = f"this client has spent its {bucket.per_minute} tokens a minute; nothing is owed in"
            raise RateLimited(f"{what} {duration(owes_s)}", headers={**waits, **self.headers()})

    def headers(self, held: int | None = None) -> dict[str, str]:
        """OpenAI's ``x-ratelimit-*`` of the limits that there are; ``held`` requests of the client are at work."""
        told: dict[str, str] = {}
        most, bucket = self.limits.max_in_flight, self._bucket()
        if most is not None and held is not None:
            told["x-ratelimit-limit-requests"] = str(most)
            told["x-ratelimit-remaining-requests"] = str(max(0, most - held))
        if bucket is not None:
            told["x-ratelimit-limit-tokens"] = str(bucket.per_minute)
            told["x-ratelimit-remaining-tokens"] = str(max(0, math.floor(bucket.level)))
            told["x-ratelimit-reset-tokens"] = duration(bucket.fills_s)
        return told

    def _bucket(self) -> Bucket | None:
        if self.client is None or self.limits.tokens_per_minute is None:
            return None
        return self.buckets.of(self.client, self.limits.tokens_per_minute)

    def _spend(self, tokens: int) -> None:
        bucket = self._bucket()
        if bucket is not None:
            bucket.spend(tokens)


def quota_of(buckets: Buckets, client: str | None, limits: ClientLimits) -> Quota:
    """The quota of a request that has just come, whose limits are its client's from now on."""
    if client is not None and limits.tokens_per_minute is not None:
        buckets.set_rate(client, limits.tokens_per_minute)
    return Quota(client, limits, buckets)
