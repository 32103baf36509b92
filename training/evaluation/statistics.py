"""Intervals and agreement: bootstrap of means and paired differences, accuracy, F1, Cohen's kappa.

Invariant: pure functions; the same data and seed give the same figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95% percentile bootstrap interval; ``n`` examples."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Agreement:
    """A judge against the truth. Source of kappa: Cohen 1960. NaN where a figure has no meaning (one class only)."""

    n: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    kappa: float


def bootstrap_mean(values: Sequence[float], seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """Return the mean of ``values`` and the 2.5% and 97.5% percentiles of resampled means."""
    data = np.asarray(values, dtype=np.float64)
    if data.size == 0:
        raise ValueError("no values to average")
    generator = np.random.default_rng(seed)
    means = np.empty(resamples)
    for start in range(0, resamples, 1000):
        stop = min(start + 1000, resamples)
        means[start:stop] = data[generator.integers(0, data.size, (stop - start, data.size))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(data.mean()), float(low), float(high), int(data.size))


def paired_difference(first: Sequence[float], second: Sequence[float], seed: int = 0) -> Interval:
    """Return the interval of the mean of ``first - second``, resampling pairs."""
    return bootstrap_mean([a - b for a, b in zip(first, second, strict=True)], seed)


def agreement(predicted: Sequence[bool], truth: Sequence[bool]) -> Agreement:
    """Compare a judge's verdicts with the truth; the positive class is met."""
    pairs = list(zip(predicted, truth, strict=True))
    n = len(pairs)
    if n == 0:
        raise ValueError("no verdicts to compare")
    true_positive = sum(p and t for p, t in pairs)
    false_positive = sum(p and not t for p, t in pairs)
    false_negative = sum(t and not p for p, t in pairs)
    true_negative = n - true_positive - false_positive - false_negative
    accuracy = (true_positive + true_negative) / n
    says, is_so = (true_positive + false_positive) / n, (true_positive + false_negative) / n
    chance = says * is_so + (1 - says) * (1 - is_so)
    return Agreement(
        n,
        accuracy,
        _ratio(true_positive, true_positive + false_positive),
        _ratio(true_positive, true_positive + false_negative),
        _ratio(2 * true_positive, 2 * true_positive + false_positive + false_negative),
        _ratio(accuracy - chance, 1 - chance),
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
