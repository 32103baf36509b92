"""What a report says of one run: each arm's figures and costs, the comparisons between arms, the worst regressions.

Invariant: figures and comparisons are made here once; pages, tables and JSON only show them.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, quantiles
from typing import TypeVar

from training.evaluation.pooled import Pooled, interval
from training.evaluation.reports.comparing import MEASURES, Comparison, Figures, compare, touched
from training.evaluation.reports.families import family_of, holm
from training.evaluation.reports.reading import Arm, Run
from training.evaluation.reports.reliability import Point, reliability
from training.evaluation.reports.worst import Regression, regressions
from training.evaluation.rows import Row
from training.evaluation.statistics import Interval
from training.runs.files import RunError

K = TypeVar("K")

Notes = Callable[[Sequence[Row]], Sequence[str]]
"""What has to be said beside a benchmark's figures of these rows."""

DRAFT, GUIDED = "draft", "guided"
AXES = ("axis", "dimension", "win")
"""Families of figures that are a benchmark's axes."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One arm in figures. Means a sample but for ``seconds`` (median, 90th percentile); None without samples."""

    arm: Arm
    figures: Mapping[str, Interval]
    asked: int
    unread: int
    means: Mapping[str, float]
    seconds: tuple[float, float] | None
    outcomes: Mapping[str, int]

    @property
    def headline(self) -> Interval | None:
        """The first figure."""
        return next(iter(self.figures.values()), None)


@dataclass(frozen=True, slots=True)
class OfBenchmark:
    """One benchmark's arms; what every arm differs by from the draft, and guided from every other arm.

    ``axes`` is the family of figures that are the benchmark's axes, None where it has none. ``headline`` names the
    first figure. ``reliability`` is the judge's, over all arms.
    """

    name: str
    headline: str
    axes: str | None
    arms: Mapping[str, Summary]
    against_draft: Mapping[str, Comparison]
    guided_against: Mapping[str, Comparison]
    worst: Sequence[Regression]
    reliability: tuple[Point, ...]
    notes: tuple[str, ...]

    @property
    def in_full(self) -> Comparison | None:
        """Guided minus draft, in every figure."""
        return self.against_draft.get(GUIDED)


@dataclass(frozen=True, slots=True)
class Report:
    """A run and its benchmarks."""

    run: Run
    benchmarks: tuple[OfBenchmark, ...]


def report_of(
    run: Run, figures_of: Mapping[str, Figures], most_worst: int = 10, notes_of: Mapping[str, Notes] | None = None
) -> Report:
    """Make all figures of a run; ``notes_of`` are by benchmark as the figures are.

    Raises ``RunError`` for a benchmark that has no figures.
    """
    benchmarks = []
    for name, arms in run.arms.items():
        notes = _of_kind(name, notes_of or {})
        benchmarks.append(_benchmark(name, arms, figures_for(name, figures_of, run), notes, most_worst))
    return Report(run, tuple(benchmarks))


def figures_for(benchmark: str, figures_of: Mapping[str, Figures], run: Run) -> Figures:
    """Return a benchmark's figures; ``mlb-zh`` has those of ``mlb``. Raises ``RunError`` where there are none."""
    found = _of_kind(benchmark, figures_of)
    if found is None:
        raise RunError(f"{run.path}: no figures are known of benchmark {benchmark!r}; known: {', '.join(figures_of)}")
    return found


def of_headline(rows: Sequence[Row], figures: Figures) -> tuple[str, Interval]:
    """Return the first figure's name and its interval; no number where there are no rows."""
    return next(intervals(rows, figures), ("score", Interval(math.nan, math.nan, math.nan, 0)))


def mean_of_measure(arm: Arm, measure: str) -> float | None:
    """The mean of what an answer costs, None without answers; see ``MEASURES``."""
    return fmean(map(MEASURES[measure], arm.rows)) if arm.rows else None


def seconds_of(arm: Arm) -> tuple[float, float] | None:
    """Median and 90th percentile of the seconds an answer took, None without answers."""
    seconds = [row.answered.seconds for row in arm.rows]
    return (median(seconds), _ninetieth(seconds)) if seconds else None


def intervals(rows: Sequence[Row], figures: Figures) -> Iterator[tuple[str, Interval]]:
    """Yield each figure with its interval over the samples that it rests on, one at a time."""
    if rows:
        for name, figure in figures(rows).items():
            yield name, _interval(figure, rows)


def adjusted_headlines(comparisons: Mapping[str, Comparison]) -> dict[str, float]:
    """P-values of the headlines, by Holm's method over comparisons that stand together."""
    return holm({name: one.figures[0].difference.p_value for name, one in comparisons.items() if one.figures})


def _of_kind(benchmark: str, known: Mapping[str, K]) -> K | None:
    return known.get(benchmark) or known.get(benchmark.partition("-")[0])


def _benchmark(
    name: str, arms: Mapping[str, Arm], figures: Figures, notes: Notes | None, most_worst: int
) -> OfBenchmark:
    summaries = {arm: _summary(found, figures) for arm, found in arms.items()}
    names = next((list(one.figures) for one in summaries.values() if one.figures), [])
    draft, guided = arms.get(DRAFT), arms.get(GUIDED)
    against_draft = {
        arm: compare(found, draft, figures, headline_only=arm != GUIDED)
        for arm, found in arms.items()
        if draft is not None and arm != DRAFT
    }
    guided_against = {
        arm: compare(guided, found, figures, headline_only=True)
        for arm, found in arms.items()
        if guided is not None and arm not in (GUIDED, DRAFT)
    }
    return OfBenchmark(
        name,
        names[0] if names else "score",
        next((family for family in AXES if family in map(family_of, names)), None),
        summaries,
        against_draft,
        guided_against,
        regressions(draft, guided, most_worst) if draft is not None and guided is not None else [],
        reliability([row for found in arms.values() for row in found.rows]),
        tuple(dict.fromkeys(note for found in arms.values() for note in notes(found.rows))) if notes else (),
    )


def _summary(arm: Arm, figures: Figures) -> Summary:
    outcomes = (row.answered.trace.get("outcome") for row in arm.rows if row.answered.trace is not None)
    return Summary(
        arm=arm,
        figures=dict(intervals(arm.rows, figures)),
        asked=sum(row.asked for row in arm.rows),
        unread=sum(row.unscored for row in arm.rows),
        means={name: mean for name in MEASURES if (mean := mean_of_measure(arm, name)) is not None},
        seconds=seconds_of(arm),
        outcomes=dict(Counter(outcome for outcome in outcomes if outcome is not None).most_common()),
    )


def _interval(figure: Pooled, rows: Sequence[Row]) -> Interval:
    keep = touched(figure)
    if not keep.any():
        return Interval(math.nan, math.nan, math.nan, 0)
    clusters = [row.cluster for row, kept in zip(rows, keep, strict=True) if kept]
    return interval(Pooled(figure.columns[keep], figure.of_sums), clusters)


def _ninetieth(seconds: Sequence[float]) -> float:
    """The 90th percentile, between neighbours by their distance."""
    return quantiles(seconds, n=10, method="inclusive")[-1] if len(seconds) > 1 else seconds[0]
