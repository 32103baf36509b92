"""Owns how well one partition of the same things agrees with another: purity, V-measure, adjusted Rand; silhouette.

Invariant: pure functions of labels; a partition is compared by what it puts together, never by its numbers.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from principles.embedding import Vectors

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PartitionScores:
    """Found clusters against true classes.

    ``purity``: share of things that are of their cluster's most frequent class. ``homogeneity``, ``completeness`` and
    their harmonic mean ``v_measure``: Rosenberg and Hirschberg 2007. ``adjusted_rand``: Hubert and Arabie 1985.
    """

    things: int
    clusters: int
    purity: float
    homogeneity: float
    completeness: float
    v_measure: float
    adjusted_rand: float


def partition_scores(found: Sequence[Hashable], truth: Sequence[Hashable]) -> PartitionScores:
    """Compare two labellings of the same things. Raises ValueError where they are not as many, or none."""
    if len(found) != len(truth) or not len(found):
        raise ValueError(f"{len(found)} labels against {len(truth)}")
    clusters, n_clusters = _numbers(found)
    classes, n_classes = _numbers(truth)
    pairs, counts = np.unique(clusters * n_classes + classes, return_counts=True)
    of_cluster, of_class = np.bincount(clusters), np.bincount(classes)
    best = np.zeros(n_clusters, dtype=np.int64)
    np.maximum.at(best, pairs // n_classes, counts)
    joint = _entropy(counts)
    in_clusters, in_classes = _entropy(of_cluster), _entropy(of_class)
    homogeneity = 1.0 if in_classes == 0 else 1 - (joint - in_clusters) / in_classes
    completeness = 1.0 if in_clusters == 0 else 1 - (joint - in_classes) / in_clusters
    total = homogeneity + completeness
    return PartitionScores(
        things=len(found),
        clusters=n_clusters,
        purity=float(best.sum() / len(found)),
        homogeneity=homogeneity,
        completeness=completeness,
        v_measure=2 * homogeneity * completeness / total if total > 0 else 0.0,
        adjusted_rand=_adjusted_rand(counts, of_cluster, of_class),
    )


def silhouette(vectors: Vectors, labels: Sequence[int]) -> float | None:
    """Mean silhouette by cosine distance of unit rows (n, d), alone in a cluster counting 0 (Rousseeuw 1987).

    None for fewer than 2 clusters, or as many as rows. Takes memory for n x n numbers.
    """
    numbers, count = _numbers(labels)
    if not 1 < count < len(numbers):
        return None
    member = np.eye(count, dtype=np.float32)[numbers]
    size = member.sum(axis=0)
    total = (1 - vectors @ vectors.T) @ member
    at = np.arange(len(numbers))
    own = size[numbers]
    inner = total[at, numbers] / np.maximum(own - 1, 1)
    means = total / size
    means[at, numbers] = np.inf
    outer = means.min(axis=1)
    value = np.where(own > 1, (outer - inner) / np.maximum(np.maximum(outer, inner), 1e-12), 0.0)
    return float(value.mean())


def _numbers(labels: Sequence[Hashable]) -> tuple[Counts, int]:
    names: dict[Hashable, int] = {}
    return np.array([names.setdefault(label, len(names)) for label in labels], dtype=np.int64), len(names)


def _entropy(counts: Counts) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def _adjusted_rand(joint: Counts, clusters: Counts, classes: Counts) -> float:
    def pairs(counts: Counts) -> float:
        return float((counts * (counts - 1) / 2).sum())

    together, found, true, every = pairs(joint), pairs(clusters), pairs(classes), pairs(clusters.sum(keepdims=True))
    expected = found * true / every if every else 0.0
    highest = (found + true) / 2
    return 1.0 if highest == expected else (together - expected) / (highest - expected)
