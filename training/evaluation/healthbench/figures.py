"""HealthBench's figures of a run: overall, by theme, axis and consensus cluster, over epochs, and by length.

Invariant: which figures there are follows from the questions and not from the answers, so that two arms have the same
ones; every score is a mean over examples, clipped to 0 and 1 only then, as published.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from training.evaluation.healthbench.formula import LENGTH_CENTRE_CHARACTERS, length_adjusted, tag_score, worst_at
from training.evaluation.healthbench.scorer import AXES, judged_of
from training.evaluation.pooled import Array, Pooled, clipped_mean_of, mean_of, ratio
from training.evaluation.rows import SCORE, Row

THEMES = (
    "global_health",
    "hedging",
    "communication",
    "context_seeking",
    "emergency_referrals",
    "health_data_tasks",
    "complex_responses",
)
"""The published themes, the largest first."""


def figures(rows: Sequence[Row]) -> dict[str, Pooled]:
    """Return the figures of samples in their order, the headline first.

    ``score``; ``score_unclipped``; ``theme:...``, ``axis:...``, ``cluster:...``; ``worst_at_K`` where there are epochs;
    ``length_adjusted``; ``length_correlation`` (Pearson's r of characters and score); mean ``characters`` and ``words``
    (between spaces). Intervals are over clusters of one question each.
    """
    scores = [row.score for row in rows]
    found = {SCORE: clipped_mean_of(scores), "score_unclipped": mean_of(scores)}
    return found | _themes(rows) | _axes(rows) | _clusters(rows) | _worst(rows) | _lengths(rows)


def _themes(rows: Sequence[Row]) -> dict[str, Pooled]:
    tagged = [{tag for tag in row.metadata["example_tags"] if tag.startswith("theme:")} for row in rows]
    return {
        theme: clipped_mean_of([row.score if theme in own else None for row, own in zip(rows, tagged, strict=True)])
        for theme in _ordered(set().union(*tagged), [f"theme:{theme}" for theme in THEMES])
    }


def _axes(rows: Sequence[Row]) -> dict[str, Pooled]:
    asked = {f"axis:{verdict['axis']}" for row in rows for verdict in row.verdicts if verdict["axis"] is not None}
    known = [f"axis:{axis}" for axis in AXES]
    return {axis: clipped_mean_of([row.values.get(axis) for row in rows]) for axis in _ordered(asked, known)}


def _clusters(rows: Sequence[Row]) -> dict[str, Pooled]:
    values: dict[str, list[float | None]] = defaultdict(lambda: [None] * len(rows))
    for place, row in enumerate(rows):
        judged = judged_of(row.verdicts)
        for cluster in {tag for criterion in judged for tag in criterion.tags if tag.startswith("cluster:")}:
            values[cluster][place] = tag_score(judged, cluster)
    return {cluster: clipped_mean_of(values[cluster]) for cluster in sorted(values)}


def _worst(rows: Sequence[Row]) -> dict[str, Pooled]:
    """Worst-at-k for the powers of two and for all runs; of an example's scored runs, where they are at least k."""
    runs: Mapping[str, list[Row]] = defaultdict(list)
    for row in rows:
        runs[row.id].append(row)
    most = max((len(own) for own in runs.values()), default=0)
    sizes = sorted({2**power for power in range(1, most.bit_length())} | {most})
    return {f"worst_at_{k}": _worst_at(k, rows, runs) for k in sizes if k > 1}


def _worst_at(k: int, rows: Sequence[Row], runs: Mapping[str, Sequence[Row]]) -> Pooled:
    """Columns give each of an example's runs an equal part of the example, so that they add up to one of it."""
    parts: dict[str, tuple[float, float]] = {}
    for id_, own in runs.items():
        scored = [row.score for row in own if row.score is not None]
        parts[id_] = (worst_at(k, scored) / len(own), 1 / len(own)) if len(scored) >= k else (0.0, 0.0)
    columns = np.array([parts[row.id] for row in rows], dtype=np.float64).reshape(len(rows), 2)
    return Pooled(columns, lambda sums: np.clip(ratio(sums), 0.0, 1.0))


def _lengths(rows: Sequence[Row]) -> dict[str, Pooled]:
    characters = [len(row.answered.text) for row in rows]
    scored = list(zip([row.score for row in rows], characters, strict=True))
    return {
        "length_adjusted": clipped_mean_of([None if s is None else length_adjusted(s, length) for s, length in scored]),
        "length_correlation": _correlation(scored),
        "characters": mean_of(characters),
        "words": mean_of([len(row.answered.text.split()) for row in rows]),
    }


def _correlation(scored: Sequence[tuple[float | None, int]]) -> Pooled:
    columns = np.zeros((0, 6)) if not scored else np.array([_moments(*pair) for pair in scored])
    return Pooled(columns, _pearson)


def _moments(score: float | None, characters: int) -> tuple[float, ...]:
    """Counts and sums for r. Lengths in thousands from the centre, so that their squares lose no digits."""
    if score is None:
        return (0.0,) * 6
    length = (characters - LENGTH_CENTRE_CHARACTERS) / 1_000
    return (1.0, score, length, score * score, length * length, score * length)


def _pearson(sums: Array) -> Array:
    n, s, x, ss, xx, sx = np.moveaxis(sums, -1, 0)
    spread = (n * ss - s * s) * (n * xx - x * x)
    defined = spread > 1e-12 * (n * ss) * (n * xx)
    r = np.divide(n * sx - s * x, np.sqrt(np.where(defined, spread, 1.0)), out=np.full(n.shape, np.nan), where=defined)
    clipped: Array = np.clip(r, -1.0, 1.0)
    return clipped


def _ordered(found: set[str], known: Sequence[str]) -> list[str]:
    return [name for name in known if name in found] + sorted(found.difference(known))
