"""Gaps between tokens, millions of them, as counts in buckets that are each 2% wider than the one before.

Invariant: a quantile is exact to the width of a bucket.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping

_WIDTH = math.log(1.02)
_LEAST_MS = 0.001


class Gaps:
    """Counts of milliseconds."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, gaps_ms: Iterable[float]) -> None:
        """Count some more."""
        self._counts.update(math.ceil(math.log(max(gap, _LEAST_MS)) / _WIDTH) for gap in gaps_ms)

    def quantile_ms(self, share: float) -> float | None:
        """The upper end of the bucket that holds the quantile; None of nothing."""
        rank, counted = share * self._counts.total(), 0
        for bucket in sorted(self._counts):
            counted += self._counts[bucket]
            if counted >= rank:
                return math.exp(bucket * _WIDTH)
        return None

    def quantiles(self) -> Mapping[str, float | None]:
        """The usual three."""
        return {"p50": self.quantile_ms(0.5), "p95": self.quantile_ms(0.95), "p99": self.quantile_ms(0.99)}
