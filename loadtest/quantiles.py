"""Quantiles: of measured values, and of Prometheus histograms between two scrapes.

Invariant: pure functions; no quantile is claimed of nothing.
"""

import math
import re
from collections.abc import Mapping, Sequence

_BUCKET = re.compile(r"^([a-zA-Z_:][\w:]*)_bucket\{([^}]*)\} (\S+)", re.MULTILINE)
_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{([^}]*)\})? (\S+)", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Buckets = Mapping[float, float]


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that ``share`` (0 to 1) of the values do not exceed, between neighbours in proportion."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def buckets(text: str, name: str, **labels: str) -> dict[float, float]:
    """Cumulative counts of a histogram by upper bound, summed over the series that have these labels."""
    found: dict[float, float] = {}
    for series, written, count in _BUCKET.findall(text):
        have = dict(_LABEL.findall(written))
        if series == name and all(have.get(label) == value for label, value in labels.items()):
            bound = float(have["le"])
            found[bound] = found.get(bound, 0.0) + float(count)
    return found


def gauge(text: str, name: str) -> float | None:
    """The sum of a metric's samples; None where it has none."""
    found = [float(value) for series, _, value in _SAMPLE.findall(text) if series == name]
    return sum(found) if found else None


def difference(after: Buckets, before: Buckets) -> dict[float, float]:
    """What a histogram has counted between two scrapes."""
    return {bound: count - before.get(bound, 0.0) for bound, count in after.items()}


def histogram_quantile(counted: Buckets, share: float) -> float | None:
    """The quantile, within its bucket in proportion as Prometheus has it; beyond all bounds, the last finite one."""
    bounds = sorted(counted)
    total = counted[bounds[-1]] if bounds else 0.0
    if total <= 0:
        return None
    rank, below, lower = share * total, 0.0, 0.0
    for bound in bounds:
        if counted[bound] >= rank:
            if math.isinf(bound):
                return lower
            within = counted[bound] - below
            return lower + (bound - lower) * ((rank - below) / within if within else 1.0)
        below, lower = counted[bound], bound
    return lower
