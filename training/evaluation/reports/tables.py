"""The tables of a report: what each arm scored and cost, and how two arms compare.

Invariant: beside every score stand its interval, n, what is unscored, failed or missing, and what it cost.
"""

from collections.abc import Mapping, Sequence

from training.evaluation.reports import shown
from training.evaluation.reports.comparing import Comparison
from training.evaluation.reports.html import grid
from training.evaluation.reports.summaries import OfBenchmark, Summary, adjusted_headlines
from training.runs.page import Cell

COST_DECIMALS = {"tokens": 0, "computed tokens": 0, "seconds": 2, "calls": 1, "characters": 0, "words": 0}
"""Decimals with which each is written."""


def headline_table(benchmark: OfBenchmark) -> str:
    """One row an arm."""
    name = shown.named(benchmark.headline)
    header = ["arm", f"{name} [95%]", "n", "unscored", "errors", "missing"]
    header += ["tokens", "computed", "seconds median / p90", "calls"]
    told = (
        f"{name}: 95% bootstrap interval over questions. n: samples that the score rests on; unscored: answered, but a "
        "verdict could not be read; errors: ended without an answer or a score; missing: planned, not in the log. "
        "Tokens (read and written, all calls of an answer, its judges not counted), those of them that no prefix cache "
        "held (computed), and calls are means a sample."
    )
    return grid(header, [_headline_row(arm, summary) for arm, summary in benchmark.arms.items()], told)


def figures_table(benchmark: OfBenchmark) -> str:
    """One row a figure, one column an arm."""
    names = dict.fromkeys(name for summary in benchmark.arms.values() for name in summary.figures)
    rows: list[list[Cell]] = [
        [shown.named(name), *(_with_n(summary, name) for summary in benchmark.arms.values())] for name in names
    ]
    return grid(["figure", *map(shown.named, benchmark.arms)], rows, "Each with its 95% interval and (n) samples.")


def difference_table(comparison: Comparison) -> str:
    """One row a figure of two arms, paired."""
    ours, theirs = shown.named(comparison.first), shown.named(comparison.second)
    header = ["figure", ours, theirs, f"{ours} \u2212 {theirs} [95%]", "p", "p, Holm", "n", "left out"]
    rows: list[list[Cell]] = [
        [
            shown.named(one.name),
            shown.number(one.first),
            shown.number(one.second),
            shown.interval(one.difference.interval, signed=True),
            shown.p_value(one.difference.p_value),
            shown.p_value(one.adjusted),
            one.difference.interval.n,
            one.left_out,
        ]
        for one in comparison.figures
    ]
    told = (
        "Both columns are over the same n pairs; left out: pairs that either side could not score. Intervals: paired "
        "bootstrap over questions; p: approximate randomisation, two-sided; Holm: adjusted within the figure's family, "
        f"{families_in_words(comparison)}."
    )
    return grid(header, rows, told)


def cost_table(comparison: Comparison) -> str:
    """What the two arms' answers cost, and the ratio."""
    ours, theirs = shown.named(comparison.first), shown.named(comparison.second)
    rows: list[list[Cell]] = [
        [
            name,
            shown.number(cost.first, COST_DECIMALS[name]),
            shown.number(cost.second, COST_DECIMALS[name]),
            shown.interval(cost.ratio, 2),
        ]
        for name, cost in comparison.costs.items()
    ]
    told = (
        "Medians a sample; ratio: the median of the questions' own ratios with an interval between order statistics. "
        "Each Chinese character counts as a word."
    )
    return grid(["a sample", ours, theirs, f"ratio {ours} / {theirs} [95%]"], rows, told)


def headline_differences(comparisons: Mapping[str, Comparison]) -> str:
    """The headline of several comparisons, one a row, adjusted together."""
    adjusted = adjusted_headlines(comparisons)
    rows: list[list[Cell]] = [
        [
            f"{shown.named(one.first)} \u2212 {shown.named(one.second)}",
            shown.interval(one.figures[0].difference.interval, signed=True),
            shown.p_value(one.figures[0].difference.p_value),
            shown.p_value(adjusted[name]),
            one.figures[0].difference.interval.n,
            one.figures[0].left_out,
            f"{one.wins} / {one.ties} / {one.losses}",
            shown.interval(one.costs["tokens"].ratio, 2),
        ]
        for name, one in comparisons.items()
        if one.figures
    ]
    header = ["compared", "difference [95%]", "p", "p, Holm", "n", "left out", "higher / same / lower", "tokens, ratio"]
    return grid(header, rows, f"Holm: over the {shown.plural(len(rows), 'comparison')} of this table.")


def families_in_words(comparison: Comparison) -> str:
    """Each family and how many tests it has."""
    sizes: dict[str, int] = {}
    for one in comparison.figures:
        if one.family is not None:
            sizes[one.family] = sizes.get(one.family, 0) + 1
    counted = [f"{shown.named(family)} ({size})" for family, size in sizes.items()]
    return ", ".join(counted) if counted else "of which there is none here"


def used_table(summaries: Mapping[str, Summary]) -> str:
    """Tokens by model and role, as the logs count them."""
    rows: list[list[Cell]] = [
        [shown.named(arm), shown.label(used.name, 80), used.input_tokens, used.cached_tokens, used.output_tokens]
        for arm, summary in summaries.items()
        for used in summary.arm.facts.used
    ]
    told = (
        "Tokens by model and role; what inspect's cache answered is in none, what the provider's cache held is in read."
    )
    return grid(["arm", "model or role", "read", "of which cached", "written"], rows, told) if rows else ""


def _headline_row(arm: str, summary: Summary) -> Sequence[Cell]:
    headline, seconds, found = summary.headline, summary.seconds, summary.arm
    return [
        shown.named(arm),
        shown.interval(headline),
        0 if headline is None else headline.n,
        found.unscored,
        len(found.failures),
        found.missing,
        shown.number(summary.means.get("tokens"), 0),
        shown.number(summary.means.get("computed tokens"), 0),
        shown.NOWHERE if seconds is None else f"{shown.number(seconds[0], 2)} / {shown.number(seconds[1], 2)}",
        shown.number(summary.means.get("calls"), 1),
    ]


def _with_n(summary: Summary, name: str) -> str:
    found = summary.figures.get(name)
    return shown.NOWHERE if found is None else f"{shown.interval(found)} ({found.n})"
