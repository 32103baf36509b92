"""Owns measuring the clustering at size, on planted clusters, and against the exact method on as many as that can take.

Invariant: the figures are of the functions that a distillation calls, with its settings.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from principles.embedding import Embedder, Vectors
from training.distil.linkage import average_linkage
from training.distil.partition_scores import partition_scores
from training.distil.planted import planted
from training.distil.settings import Clustering
from training.distil.space import reduced

Figures = dict[str, float]


def time_clustering(
    texts: list[str], embed: Embedder, count: int, settings: Clustering, tell: Callable[[int], None]
) -> Figures:
    """Seconds of each step for ``count`` criteria like ``texts``, and agreement with the planted clusters."""
    began = time.perf_counter()
    like = embed(texts)
    embedded = time.perf_counter()
    vectors, truth = planted(like, count, settings.seed)
    made = time.perf_counter()
    space = reduced(vectors, settings.dimensions, settings.seed)
    del vectors
    ready = time.perf_counter()
    labels = average_linkage(space, settings, tell)
    ended = time.perf_counter()
    scores = partition_scores(labels.tolist(), truth.tolist())
    return {
        "criteria": count,
        "planted_clusters": int(truth.max()) + 1,
        "clusters": scores.clusters,
        "embedding_texts_per_second": len(texts) / (embedded - began),
        "reducing_seconds": ready - made,
        "clustering_seconds": ended - ready,
        "purity": scores.purity,
        "v_measure": scores.v_measure,
        "adjusted_rand": scores.adjusted_rand,
    }


def against_exact(like: Vectors, count: int, settings: Clustering) -> Figures:
    """Nearby neighbours against all pairs, on ``count`` planted criteria: seconds of both, and their agreement."""
    space = reduced(planted(like, count, settings.seed)[0], settings.dimensions, settings.seed)
    began = time.perf_counter()
    exact = average_linkage(space, replace(settings, exact_below=count))
    between = time.perf_counter()
    nearby = average_linkage(space, replace(settings, exact_below=max(1, count // 5)))
    ended = time.perf_counter()
    agreement = partition_scores(nearby.tolist(), exact.tolist())
    return {
        "criteria": count,
        "exact_seconds": between - began,
        "nearby_seconds": ended - between,
        "adjusted_rand": agreement.adjusted_rand,
        "v_measure": agreement.v_measure,
    }
