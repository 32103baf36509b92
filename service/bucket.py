"""Tokens that a client may spend: a bucket for each, refilled all the time, and in debt for what was spent beyond it.

Invariant: a bucket holds at most one minute's worth, and is forgotten only when it is full, as a new one is.
"""

import math
import time
from collections.abc import Callable

_MINUTE_SECONDS = 60.0
_ROUNDING_TOKENS = 1e-6


class Bucket:
    """One client's. ``clock`` in seconds."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._level = float(per_minute)
        self._at = clock()

    @property
    def level(self) -> float:
        """Tokens that are left; below 0 they are owed."""
        now = self._clock()
        self._level = min(float(self.per_minute), self._level + (now - self._at) * self._per_second)
        self._at = now
        return self._level

    @property
    def owes_s(self) -> float:
        """Seconds until nothing is owed; what rounding leaves of a token is nothing."""
        owed = -self.level
        return owed / self._per_second if owed > _ROUNDING_TOKENS else 0.0

    @property
    def fills_s(self) -> float:
        """Seconds until it is full."""
        return (self.per_minute - self.level) / self._per_second

    @property
    def full(self) -> bool:
        """Whether it has forgotten all that was spent."""
        return self.level >= self.per_minute

    def spend(self, tokens: int) -> None:
        """Take out so many, whether or not they are there."""
        self._level = self.level - tokens

    def refill_at(self, per_minute: int) -> None:
        """Refill at another rate from now on; what is there or owed stays, up to the new minute's worth."""
        self._level = min(self.level, float(per_minute))
        self.per_minute = per_minute

    @property
    def _per_second(self) -> float:
        return self.per_minute / _MINUTE_SECONDS


class Buckets:
    """The buckets of all clients that have spent something of late."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    @property
    def owing(self) -> int:
        """How many clients are in debt now."""
        return sum(bucket.level < 0 for bucket in self._buckets.values())

    def set_rate(self, client: str, per_minute: int) -> None:
        """Have the client's bucket refilled at this rate from now on."""
        bucket = self.of(client, per_minute)
        if bucket.per_minute != per_minute:
            bucket.refill_at(per_minute)

    def of(self, client: str, per_minute: int) -> Bucket:
        """The client's bucket, not to be kept: it may be forgotten once it is full. ``per_minute`` is for a new one."""
        bucket = self._buckets.get(client)
        if bucket is None:
            self._forget()
            bucket = self._buckets[client] = Bucket(per_minute, self._clock)
        return bucket

    def _forget(self) -> None:
        for client in [client for client, bucket in self._buckets.items() if bucket.full]:
            del self._buckets[client]


def whole_seconds(seconds: float) -> str:
    """Seconds as ``Retry-After`` has them: whole, and never too few."""
    return str(max(1, math.ceil(seconds)))


def duration(seconds: float) -> str:
    """A time as OpenAI's ``x-ratelimit-reset-*`` have it: 20ms, 1.5s, 6m0s; rounded up to milliseconds."""
    ms = math.ceil(seconds * 1000)
    if ms < 1000:
        return f"{ms}ms"
    minutes, rest = divmod(ms, 60_000)
    return f"{minutes}m{rest / 1000:g}s" if minutes else f"{rest / 1000:g}s"
