"""Whether a series grows: the slope of Theil and Sen with its interval, over what comes after the warm-up.

Invariant: pure functions; no slope of fewer than two moments, no interval of too few.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

WARM_UP_SHARE = 0.2
MOST_MEANS = 60
_TWO_SIDED_95 = 1.96

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Slope:
    """Units an hour; ``low`` and ``high`` are the 95% interval, None where there are too few points for one."""

    per_hour: float
    low: float | None
    high: float | None


def slope(points: Points, warm_up_share: float = WARM_UP_SHARE) -> Slope | None:
    """The median slope between any two points of (seconds, value), without the first part of the time.

    Neighbours are averaged to at most `MOST_MEANS` means first: the interval (Sen 1968) takes points for independent,
    and those of a few seconds apart are not.
    """
    means = _means(_after_warm_up(points, warm_up_share))
    seconds, values = (np.array([mean[place] for mean in means], dtype=np.float64) for place in (0, 1))
    first, second = np.triu_indices(len(means), 1)
    apart = seconds[second] - seconds[first]
    slopes = np.sort((values[second] - values[first])[apart > 0] / apart[apart > 0]) * 3600
    if not len(slopes):
        return None
    reach = _TWO_SIDED_95 * math.sqrt(len(means) * (len(means) - 1) * (2 * len(means) + 5) / 18)
    low, high = math.floor((len(slopes) - reach) / 2), math.ceil((len(slopes) + reach) / 2)
    if low < 0 or high >= len(slopes):
        return Slope(float(np.median(slopes)), None, None)
    return Slope(float(np.median(slopes)), float(slopes[low]), float(slopes[high]))


def _after_warm_up(points: Points, share: float) -> Points:
    if not points:
        return points
    start = points[0][0] + share * (points[-1][0] - points[0][0])
    return [point for point in points if point[0] >= start]


def _means(points: Points) -> list[tuple[float, float]]:
    size = max(1, math.ceil(len(points) / MOST_MEANS))
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [(_mean([t for t, _ in group]), _mean([value for _, value in group])) for group in groups]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
