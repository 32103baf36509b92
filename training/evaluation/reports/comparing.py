"""Compares two arms on the samples that both have: every figure paired, and what the answers cost.

Invariant: a sample that either side could not score is left out of both sides' figure, and counted.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
from numpy.typing import NDArray

from training.evaluation.pooled import Difference, Pooled, paired
from training.evaluation.reports.families import family_of, holm
from training.evaluation.reports.medians import median_interval
from training.evaluation.reports.reading import Arm
from training.evaluation.rows import Row
from training.evaluation.statistics import Interval

Figures = Callable[[Sequence[Row]], Mapping[str, Pooled]]
"""A benchmark's figures of its rows, headline first."""

_SAME = 1e-9
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Pairs:
    """Rows of two arms with the same id and epoch, in the same order; and how many only one side has."""

    first: tuple[Row, ...]
    second: tuple[Row, ...]
    only_first: int
    only_second: int

    @property
    def clusters(self) -> list[str]:
        """The cluster of each pair."""
        return [row.cluster for row in self.first]


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of both sides over the pairs that both could score, ``n`` of them.

    ``adjusted`` is the p-value by Holm's method within ``family``, None for a figure that is in none; ``left_out``
    counts pairs that either side could not score.
    """

    name: str
    family: str | None
    first: float
    second: float
    difference: Difference
    adjusted: float | None
    left_out: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians of what an answer cost or how long it is, and the median of the ratios first / second over clusters."""

    first: float
    second: float
    ratio: Interval


@dataclass(frozen=True, slots=True)
class Comparison:
    """First minus second; ``wins`` are samples that the first scored higher."""

    first: str
    second: str
    pairs: int
    only_first: int
    only_second: int
    figures: tuple[Compared, ...]
    wins: int
    ties: int
    losses: int
    costs: Mapping[str, Cost]


def compare(first: Arm, second: Arm, figures: Figures, *, headline_only: bool = False) -> Comparison:
    """Pair two arms by sample and epoch, and compare their figures, first minus second."""
    pairs = paired_rows(first.rows, second.rows)
    wins, ties, losses = _outcomes(pairs)
    return Comparison(
        first.facts.arm,
        second.facts.arm,
        len(pairs.first),
        pairs.only_first,
        pairs.only_second,
        _compared(pairs, figures, headline_only) if pairs.first else (),
        wins,
        ties,
        losses,
        {name: _cost(pairs, measure) for name, measure in MEASURES.items()},
    )


def paired_rows(first: Sequence[Row], second: Sequence[Row]) -> Pairs:
    """Pair rows by id and epoch, in the order of the first."""
    others = {(row.id, row.epoch): row for row in second}
    both = [(row, others[row.id, row.epoch]) for row in first if (row.id, row.epoch) in others]
    ours, theirs = tuple(row for row, _ in both), tuple(row for _, row in both)
    return Pairs(ours, theirs, len(first) - len(both), len(second) - len(both))


def words(text: str) -> int:
    """Count words; each Chinese character is one."""
    return len(_WORD.findall(text))


MEASURES: Mapping[str, Callable[[Row], float]] = {
    "tokens": lambda row: row.answered.tokens,
    "computed tokens": lambda row: row.answered.computed_tokens,
    "seconds": lambda row: row.answered.seconds,
    "calls": lambda row: row.answered.calls,
    "characters": lambda row: len(row.answered.text),
    "words": lambda row: words(row.answered.text),
}
"""What an answer costs, and how long it is."""


def touched(figure: Pooled) -> NDArray[np.bool_]:
    """Which samples a figure rests on: those with any sum that is not 0."""
    return np.asarray((figure.columns != 0).any(axis=1))


def _compared(pairs: Pairs, figures: Figures, headline_only: bool) -> tuple[Compared, ...]:
    ours, theirs = figures(pairs.first), figures(pairs.second)
    names = [name for name in ours if name in theirs][: 1 if headline_only else None]
    found = [_of_figure(name, ours[name], theirs[name], pairs) for name in names]
    adjusted: dict[str, float] = {}
    for family in {one.family for one in found if one.family is not None}:
        adjusted |= holm({one.name: one.difference.p_value for one in found if one.family == family})
    return tuple(replace(one, adjusted=adjusted.get(one.name)) for one in found)


def _of_figure(name: str, ours: Pooled, theirs: Pooled, pairs: Pairs) -> Compared:
    known = np.array([_known(name, *pair) for pair in zip(pairs.first, pairs.second, strict=True)])
    keep = known & (touched(ours) | touched(theirs))
    first, second = (Pooled(side.columns[keep], side.of_sums) for side in (ours, theirs))
    clusters = [cluster for cluster, kept in zip(pairs.clusters, keep, strict=True) if kept]
    nothing = Difference(Interval(math.nan, math.nan, math.nan, 0), math.nan)
    difference = paired(first, second, clusters) if clusters else nothing
    left_out = sum(_unscored(name, *pair) for pair in zip(pairs.first, pairs.second, strict=True))
    return Compared(name, family_of(name), first.value, second.value, difference, None, left_out)


def _known(name: str, first: Row, second: Row) -> bool:
    """Whether both sides could score what a figure is of."""
    return _value(name, first, second) is not None and _value(name, second, first) is not None


def _unscored(name: str, first: Row, second: Row) -> bool:
    """Whether a side could not score it. Where neither has a value and all verdicts were read, there was nothing to
    score: the sample has no criterion of that kind."""
    missing = (_value(name, first, second) is None, _value(name, second, first) is None)
    return missing[0] != missing[1] or (all(missing) and bool(first.unscored or second.unscored))


def _value(name: str, row: Row, other: Row) -> float | None:
    """The row's value of a figure's name where either side has one, else its score."""
    return row.values.get(name) if name in row.values or name in other.values else row.score


def _outcomes(pairs: Pairs) -> tuple[int, int, int]:
    differences = [
        a.score - b.score
        for a, b in zip(pairs.first, pairs.second, strict=True)
        if a.score is not None and b.score is not None
    ]
    wins, losses = sum(d > _SAME for d in differences), sum(d < -_SAME for d in differences)
    return wins, len(differences) - wins - losses, losses


def _cost(pairs: Pairs, measure: Callable[[Row], float]) -> Cost:
    ours, theirs = list(map(measure, pairs.first)), list(map(measure, pairs.second))
    sums: dict[str, list[float]] = {}
    for cluster, mine, other in zip(pairs.clusters, ours, theirs, strict=True):
        total = sums.setdefault(cluster, [0.0, 0.0])
        total[0] += mine
        total[1] += other
    ratios = [mine / other for mine, other in sums.values() if other > 0]
    return Cost(median(ours) if ours else math.nan, median(theirs) if theirs else math.nan, median_interval(ratios))
