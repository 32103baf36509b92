"""Figures of many samples that are functions of sums over them: means, clipped means, pooled micro-F1, macro means.

Invariant: a figure's interval, a paired difference and its test resample whole clusters with the same draws for both
sides, so that any of these figures is compared as a mean is.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.statistics import RESAMPLES, Interval

Array = NDArray[np.float64]
OfSums = Callable[[Array], Array]
"""From sums of the columns, shape (..., columns), to the figure, shape (...); NaN where it has no meaning."""

_CELLS = 4_000_000
MANY_CLUSTERS, FEWER_RESAMPLES = 2_000, 2_000
"""Above so many clusters so many resamples do: what chance they leave in a percentile is small beside the interval."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """One figure: ``columns`` has one row a sample, in the order of the samples; ``of_sums`` makes the figure."""

    columns: Array
    of_sums: OfSums

    @property
    def value(self) -> float:
        """The figure over all samples."""
        return float(self.of_sums(self.columns.sum(axis=0)))


@dataclass(frozen=True, slots=True)
class Difference:
    """A paired difference, first minus second, and the two-sided p-value of a test that exchanges the pair's sides."""

    interval: Interval
    p_value: float


def mean_of(values: Sequence[float | None]) -> Pooled:
    """The mean of the values that are scored; None is none of them."""
    scored = [value is not None for value in values]
    filled = [0.0 if value is None else value for value in values]
    return Pooled(np.column_stack([filled, scored]).astype(np.float64), ratio)


def clipped_mean_of(values: Sequence[float | None]) -> Pooled:
    """The mean of the scored values, clipped to 0 and 1 as HealthBench's overall score is."""
    return Pooled(mean_of(values).columns, lambda sums: np.clip(ratio(sums), 0.0, 1.0))


def ratio(sums: Array) -> Array:
    """First column over second; NaN over nothing."""
    whole = sums[..., 1]
    return _divided(sums[..., 0], whole)


def micro_f1(sums: Array) -> Array:
    """2 TP / (2 TP + FP + FN) from columns TP, FP, FN; NaN where there is nothing to find and nothing was said."""
    true, false, missed = sums[..., 0], sums[..., 1], sums[..., 2]
    return _divided(2 * true, 2 * true + false + missed)


def interval(figure: Pooled, clusters: Sequence[str] | None = None, *, seed: int = 0) -> Interval:
    """Return the figure with its 95% percentile bootstrap interval over clusters, every sample its own when None.

    ``n`` of the interval counts samples. Resamples in which the figure has no meaning are left out. Raises
    ``ValueError`` without samples.
    """
    sums = _by_cluster(figure.columns, clusters)
    chunks = _resamples(len(sums), seed, _enough(len(sums)))
    drawn = np.concatenate([figure.of_sums(counts @ sums) for counts in chunks])
    return _percentiles(figure.value, drawn, len(figure.columns))


def paired(
    first: Pooled,
    second: Pooled,
    clusters: Sequence[str] | None = None,
    *,
    seed: int = 0,
    resamples: int | None = None,
) -> Difference:
    """Compare two figures of the same samples in the same order.

    The interval is a paired bootstrap over clusters; the test is approximate randomisation (Noreen 1989): each
    cluster's sides are exchanged or not, and p = (1 + exchanges at least as far apart) / (1 + exchanges).
    Raises ``ValueError`` where the numbers of samples differ, or are 0.
    """
    if first.columns.shape[0] != second.columns.shape[0]:
        raise ValueError(f"{len(first.columns)} samples cannot be paired with {len(second.columns)}")
    ours, theirs = _by_cluster(first.columns, clusters), _by_cluster(second.columns, clusters)
    observed, resamples = first.value - second.value, resamples or _enough(len(ours))
    drawn = [
        first.of_sums(counts @ ours) - second.of_sums(counts @ theirs)
        for counts in _resamples(len(ours), seed, resamples)
    ]
    apart = [
        first.of_sums(keep @ ours + (1 - keep) @ theirs) - second.of_sums(keep @ theirs + (1 - keep) @ ours)
        for keep in _exchanges(len(ours), seed + 1, resamples)
    ]
    exchanged = np.abs(np.concatenate(apart))
    exchanged = exchanged[np.isfinite(exchanged)]
    as_far = int((exchanged >= abs(observed) - 1e-12).sum())
    p_value = (1 + as_far) / (1 + len(exchanged)) if np.isfinite(observed) else float("nan")
    return Difference(_percentiles(observed, np.concatenate(drawn), len(first.columns)), p_value)


def _divided(part: Array, whole: Array) -> Array:
    shares: Array = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole != 0)
    return shares


def _by_cluster(columns: Array, clusters: Sequence[str] | None) -> Array:
    if clusters is None:
        return columns
    if len(clusters) != len(columns):
        raise ValueError(f"{len(clusters)} clusters for {len(columns)} samples")
    _, places = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.zeros((int(places.max()) + 1 if len(places) else 0, columns.shape[1]))
    np.add.at(sums, places, columns)
    return sums


def _resamples(n: int, seed: int, resamples: int) -> Iterator[Array]:
    """Yield, in chunks of bounded size, how often each of ``n`` clusters is drawn: shape (chunk, n)."""
    if n == 0:
        raise ValueError("no samples to resample")
    generator = np.random.default_rng(seed)
    for size in _sizes(n, resamples):
        drawn = generator.integers(0, n, (size, n), dtype=np.int32) + np.arange(size, dtype=np.int64)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)


def _exchanges(n: int, seed: int, resamples: int) -> Iterator[Array]:
    """Yield, in the same chunks, 1 where a cluster keeps its sides and 0 where it exchanges them."""
    generator = np.random.default_rng(seed)
    for size in _sizes(n, resamples):
        yield generator.integers(0, 2, (size, n), dtype=np.int8).astype(np.float64)


def _enough(clusters: int) -> int:
    return RESAMPLES if clusters <= MANY_CLUSTERS else FEWER_RESAMPLES


def _sizes(n: int, resamples: int) -> list[int]:
    size = max(1, min(resamples, _CELLS // n))
    return [min(size, resamples - start) for start in range(0, resamples, size)]


def _percentiles(value: float, drawn: Array, n: int) -> Interval:
    finite = drawn[np.isfinite(drawn)]
    low, high = np.percentile(finite, [2.5, 97.5]) if len(finite) else (np.nan, np.nan)
    return Interval(value, float(low), float(high), n)
