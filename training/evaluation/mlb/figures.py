"""MLB's figures over rows: each dataset by its own metric, each dimension, and the overall score in three ways.

Invariant: every figure is a function of sums over samples, so that any of them has an interval and a paired difference.
"""

from collections.abc import Callable, Sequence

import numpy as np

from training.evaluation.mlb.aggregates import DEFINITIONS, Aggregate, dimensions_of, overall
from training.evaluation.mlb.specs import DIMENSION_BASIS, SPECS, Metric
from training.evaluation.pooled import Array, Pooled, micro_f1, ratio
from training.evaluation.rows import SCORE, Row

_WIDTH = 4
"""Columns of a dataset: TP, FP, FN and samples; or sum of scores, scored samples, nothing, and scored samples."""
_NAMES = {
    Aggregate.DIMENSIONS: SCORE,
    Aggregate.DATASETS: "overall:macro_datasets",
    Aggregate.SAMPLES: "overall:sample_weighted",
}


def figures(rows: Sequence[Row]) -> dict[str, Pooled]:
    """Return the figures by name: ``score`` (macro over dimensions), the two other overall scores, then
    ``dimension:MedKQA`` and ``dataset:CMExam`` of those that the rows have. All from 0 to 1; none without rows."""
    keys = datasets_of(rows)
    if not keys:
        return {}
    columns = _columns(rows, keys)
    found = {name: Pooled(columns, _overall(aggregate, keys)) for aggregate, name in _NAMES.items()}
    for dimension in dimensions_of(keys):
        own = [key for key in keys if SPECS[key].dimension is dimension]
        found[f"dimension:{dimension}"] = Pooled(_columns(rows, own), _overall(Aggregate.DATASETS, own))
    for key in keys:
        of_sums = micro_f1 if SPECS[key].metric is Metric.MICRO_F1 else ratio
        found[f"dataset:{key}"] = Pooled(_columns(rows, [key]), of_sums)
    return found


def notes(rows: Sequence[Row]) -> list[str]:
    """Return what a report says beside the figures: how many datasets they rest on, and what is ours in them."""
    keys = datasets_of(rows)
    missing = [key for key in SPECS if key not in keys]
    told = [f"{len(keys)} of {len(SPECS)} datasets" + (f"; without {', '.join(missing)}" if missing else "")]
    told += [f"{name}: {DEFINITIONS[aggregate]}" for aggregate, name in _NAMES.items()]
    return [*told, f"the dimension of a dataset: {DIMENSION_BASIS}"]


def datasets_of(rows: Sequence[Row]) -> list[str]:
    """Return the keys of the datasets that the rows have samples of, in the published order."""
    present = {row.metadata["dataset"] for row in rows}
    return [key for key in SPECS if key in present]


def _columns(rows: Sequence[Row], keys: Sequence[str]) -> Array:
    columns = np.zeros((len(rows), len(keys), _WIDTH))
    for number, row in enumerate(rows):
        key = row.metadata["dataset"]
        if key in keys and row.score is not None:
            columns[number, keys.index(key)] = _sums(key, row)
    return columns.reshape(len(rows), -1)


def _sums(key: str, row: Row) -> tuple[float, float, float, float]:
    if SPECS[key].metric is Metric.MICRO_F1:
        tp, fp, fn = (row.values[name] or 0.0 for name in ("tp", "fp", "fn"))
        return tp, fp, fn, 1.0
    return row.score or 0.0, 1.0, 0.0, 1.0


def _overall(aggregate: Aggregate, keys: Sequence[str]) -> Callable[[Array], Array]:
    """The aggregate as a function of sums, shape (..., keys x 4)."""
    pooled = np.array([SPECS[key].metric is Metric.MICRO_F1 for key in keys])

    def of_sums(sums: Array) -> Array:
        by_dataset = sums.reshape(*sums.shape[:-1], len(keys), _WIDTH)
        scores = np.where(pooled, micro_f1(by_dataset), ratio(by_dataset))
        return overall(aggregate, keys, scores, by_dataset[..., 3])

    return of_sums
