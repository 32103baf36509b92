"""Medians with intervals that assume nothing of the values' distribution.

Invariant: an interval covers at least 95%, or is not given.
"""

import math
from collections.abc import Sequence
from statistics import median

from training.evaluation.statistics import Interval

FEWEST = 6
"""Fewer values cannot bound their median at 95%: 2 / 2**5 is more than 5%."""


def median_interval(values: Sequence[float]) -> Interval:
    """Return the median between two order statistics (Conover 1999, section 3.2); without bounds below ``FEWEST``."""
    if not values:
        return Interval(math.nan, math.nan, math.nan, 0)
    ordered = sorted(values)
    n, rank = len(ordered), _rank(len(ordered))
    if rank == 0:
        return Interval(median(ordered), math.nan, math.nan, n)
    return Interval(median(ordered), ordered[rank - 1], ordered[n - rank], n)


def _rank(n: int) -> int:
    """The largest r with P(fewer than r of n values lie below the median) <= 2.5%; the interval is from x(r) to
    x(n - r + 1)."""
    below, ways, rank = 0, 1, 0
    while 40 * (below + ways) <= 2**n:
        below += ways
        ways = ways * (n - rank) // (rank + 1)
        rank += 1
    return rank
