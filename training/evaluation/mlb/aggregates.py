"""Scores of datasets joined into scores of dimensions and into one overall score, in three ways.

Invariant: datasets that were not run are left out and counted; one that was run but has no score leaves the figures
that need it without a value. MLB publishes no formula: all three are ours, and its published numbers fit more than one.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import numpy as np

from training.evaluation.mlb.specs import SPECS, Dimension
from training.evaluation.pooled import Array, ratio


class Aggregate(StrEnum):
    """One way to join datasets."""

    DIMENSIONS = "macro over dimensions"
    DATASETS = "macro over datasets"
    SAMPLES = "sample-weighted"


DEFINITIONS: Mapping[Aggregate, str] = {
    Aggregate.DIMENSIONS: "mean of the dimensions' scores, each the mean of its datasets' (our default; not published)",
    Aggregate.DATASETS: "mean of the datasets' scores (ours; not published)",
    Aggregate.SAMPLES: "mean of the datasets' scores, weighted by their scored samples (ours; not published)",
}


def dimensions_of(keys: Sequence[str]) -> list[Dimension]:
    """Return the dimensions that have a dataset among the keys, in the published order."""
    present = {SPECS[key].dimension for key in keys}
    return [dimension for dimension in Dimension if dimension in present]


def of_dimension(dimension: Dimension, keys: Sequence[str], scores: Array) -> Array:
    """Return a dimension's score, shape (...), from its datasets' among ``scores``, shape (..., keys)."""
    own = [place for place, key in enumerate(keys) if SPECS[key].dimension is dimension]
    return np.asarray(scores[..., own].mean(axis=-1))


def overall(aggregate: Aggregate, keys: Sequence[str], scores: Array, samples: Array) -> Array:
    """Join datasets' ``scores`` and numbers of ``samples``, both of shape (..., keys), into shape (...)."""
    if aggregate is Aggregate.DATASETS:
        return np.asarray(scores.mean(axis=-1))
    if aggregate is Aggregate.SAMPLES:
        return ratio(np.stack([(scores * samples).sum(axis=-1), samples.sum(axis=-1)], axis=-1))
    by_dimension = [of_dimension(dimension, keys, scores) for dimension in dimensions_of(keys)]
    return np.asarray(np.stack(by_dimension, axis=-1).mean(axis=-1))
