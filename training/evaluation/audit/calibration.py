"""Whether a judge's probabilities mean what they say: reliability curve, expected calibration error, Brier score.

Each expert's label of an item with a probability is one observation. Invariant: observations with one probability are
in one bin, and the parts of a Brier score add up to it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.evaluation.audit.audited import Audited
from training.evaluation.pooled import Array, Pooled, interval, ratio
from training.evaluation.statistics import Interval, wilson_interval

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """One point of the reliability curve: probabilities within ``low`` and ``high``, and the share that is met.

    The interval is Wilson's, which takes the observations for independent: many labels of one case make it too narrow.
    """

    low: float
    high: float
    mean_probability: float
    met: Interval

    @property
    def n(self) -> int:
        """Observations."""
        return self.met.n


@dataclass(frozen=True, slots=True)
class BrierParts:
    """Murphy's decomposition (1973) of a binned Brier score, with the two terms of Stephenson et al. (2008) for bins
    within which probabilities differ: reliability - resolution + uncertainty + variance within - covariance within."""

    reliability: float
    resolution: float
    uncertainty: float
    variance_within: float
    covariance_within: float

    @property
    def total(self) -> float:
        """The Brier score."""
        return self.reliability - self.resolution + self.uncertainty + self.variance_within - self.covariance_within


@dataclass(frozen=True, slots=True)
class Calibration:
    """``ece`` is over the curve's own bins; ``skill`` is 1 - Brier / the Brier of always saying the base rate, NaN for
    one class only."""

    curve: tuple[Bin, ...]
    ece: Interval
    brier: Interval
    parts: BrierParts
    skill: float


def calibration(items: Sequence[Audited], bins: int = BINS, *, seed: int = 0) -> Calibration | None:
    """Return how well an audit's probabilities are calibrated; None where no item has one.

    Intervals of ECE and Brier score resample cases. The bins stay where they are, and an ECE is pushed up by chance (it
    is a mean of absolute values), in resamples more than in the data: read its interval as an upper view.
    """
    items = [item for item in items if item.probability is not None]
    if not items:
        return None
    p_N, met_N = observations(items)
    edges = equal_mass_edges(p_N, bins)
    cases = [item.case for item in items]
    brier, parts = interval(brier_of(items), cases, seed=seed), brier_parts(p_N, met_N, edges)
    return Calibration(
        curve=reliability_curve(p_N, met_N, edges),
        ece=interval(ece_of(items, edges), cases, seed=seed),
        brier=brier,
        parts=parts,
        skill=1 - brier.mean / parts.uncertainty if parts.uncertainty else math.nan,
    )


def observations(items: Sequence[Audited]) -> tuple[Array, Array]:
    """Return probability and label (0 or 1) of every label of every item with a probability; both of shape (N,)."""
    rows = [(item.probability, met) for item in items if item.probability is not None for met in item.labels]
    table = np.array(rows, dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def equal_mass_edges(p_N: Array, bins: int = BINS) -> Array:
    """Return the least probability of each bin, for bins of about as many observations each, ascending.

    Observations of one probability are never parted, so that there may be fewer bins than asked for. Raises
    ``ValueError`` without observations and for less than one bin.
    """
    if bins < 1 or len(p_N) == 0:
        raise ValueError(f"{len(p_N)} observations cannot be put into {bins} bins")
    ordered = np.sort(p_N)
    starts = [round(number * len(ordered) / bins) for number in range(bins)]
    return np.unique(ordered[[start for start in starts if start < len(ordered)]])


def bin_of(p_N: Array, edges: Array) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the bin of each probability, from 0."""
    return np.clip(np.searchsorted(edges, p_N, side="right") - 1, 0, None)


def reliability_curve(p_N: Array, met_N: Array, edges: Array) -> tuple[Bin, ...]:
    """Return the bins that hold anything, ascending."""
    places = bin_of(p_N, edges)
    found = []
    for number in range(len(edges)):
        inside = places == number
        if inside.any():
            p, met = p_N[inside], met_N[inside]
            found.append(
                Bin(float(p.min()), float(p.max()), float(p.mean()), wilson_interval(float(met.sum()), len(met)))
            )
    return tuple(found)


def ece_of(items: Sequence[Audited], edges: Array) -> Pooled:
    """Expected calibration error: over the bins, the mean of |mean probability - share met|, weighted by their counts.

    Source: Naeini et al. 2015; with bins of equal mass as Nixon et al. 2019 advise. Columns: for each bin the sum of
    probability - label, and the count of all.
    """
    columns = np.zeros((len(items), len(edges) + 1))
    for row, item in enumerate(items):
        if item.probability is not None:
            place = int(bin_of(np.array([item.probability]), edges)[0])
            columns[row, place] = item.probability * len(item.labels) - sum(item.labels)
            columns[row, -1] = len(item.labels)
    return Pooled(columns, lambda sums: ratio(np.stack([np.abs(sums[..., :-1]).sum(axis=-1), sums[..., -1]], axis=-1)))


def brier_of(items: Sequence[Audited]) -> Pooled:
    """Mean squared distance of probability and label (Brier 1950)."""
    rows = [
        (sum((item.probability - met) ** 2 for met in item.labels), len(item.labels))
        if item.probability is not None
        else (0.0, 0)
        for item in items
    ]
    return Pooled(np.array(rows, dtype=np.float64).reshape(-1, 2), ratio)


def brier_parts(p_N: Array, met_N: Array, edges: Array) -> BrierParts:
    """Decompose the Brier score over bins."""
    places, base = bin_of(p_N, edges), float(met_N.mean())
    counts = np.bincount(places, minlength=len(edges))
    filled = np.maximum(counts, 1)
    p_B = np.bincount(places, weights=p_N, minlength=len(edges)) / filled
    met_B = np.bincount(places, weights=met_N, minlength=len(edges)) / filled
    apart_N, off_N = p_N - p_B[places], met_N - met_B[places]
    share_B = counts / len(p_N)
    return BrierParts(
        reliability=float(share_B @ (p_B - met_B) ** 2),
        resolution=float(share_B @ (met_B - base) ** 2),
        uncertainty=base * (1 - base),
        variance_within=float(np.mean(apart_N**2)),
        covariance_within=float(2 * np.mean(apart_N * off_N)),
    )
