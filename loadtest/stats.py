"""Statistics of paired latencies, as pure functions.

Invariant: numbers that belong to one question stay together, in the ratios and in the bootstrap alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 4000
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ratio:
    """How much longer one arm took than another over ``n`` paired questions.

    ``ratio_of_means`` is the headline: what the mean latency is multiplied by. ``interval_95`` is its percentile
    bootstrap interval over questions, None for a single one.
    """

    n: int
    ratio_of_means: float
    mean_of_ratios: float
    median_of_ratios: float
    interval_95: tuple[float, float] | None


def paired_ratio(over: Sequence[float], under: Sequence[float], seed: int = 0) -> Ratio | None:
    """Compare paired seconds, of shape (questions,) each; None without any."""
    numerators, denominators = np.asarray(over, dtype=np.float64), np.asarray(under, dtype=np.float64)
    if numerators.shape != denominators.shape:
        raise ValueError(f"{len(over)} numbers over {len(under)}: not pairs")
    if not len(numerators):
        return None
    ratios = numerators / denominators
    return Ratio(
        n=len(ratios),
        ratio_of_means=float(numerators.mean() / denominators.mean()),
        mean_of_ratios=float(ratios.mean()),
        median_of_ratios=float(np.median(ratios)),
        interval_95=_bootstrap_interval(numerators, denominators, seed),
    )


def mean(values: Sequence[float]) -> float | None:
    """The mean; None without values."""
    return float(np.mean(values)) if values else None


def median(values: Sequence[float]) -> float | None:
    """The median; None without values."""
    return float(np.median(values)) if values else None


def share(part: float, whole: float) -> float | None:
    """``part / whole``; None where there is no whole."""
    return part / whole if whole else None


def _bootstrap_interval(numerators: Floats, denominators: Floats, seed: int) -> tuple[float, float] | None:
    if len(numerators) < 2:
        return None
    drawn = np.random.default_rng(seed).integers(len(numerators), size=(RESAMPLES, len(numerators)))
    resampled = numerators[drawn].sum(axis=1) / denominators[drawn].sum(axis=1)
    low, high = np.quantile(resampled, [0.025, 0.975])
    return float(low), float(high)
