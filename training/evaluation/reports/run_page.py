"""The page of one run: what is to be known first, then by benchmark scores, differences, costs and regressions.

Invariant: every figure is told in words under it: n, what was compared with what, what is missing.
"""

from collections.abc import Iterator, Mapping

from training.evaluation.reports import plots, shown, tables
from training.evaluation.reports.caveats import caveats
from training.evaluation.reports.comparing import Comparison
from training.evaluation.reports.families import member_of
from training.evaluation.reports.html import fold, grid, plot, quiet, subheading, warning, whole_page
from training.evaluation.reports.origin import origin_parts
from training.evaluation.reports.regression_page import regression_parts
from training.evaluation.reports.summaries import DRAFT, GUIDED, OfBenchmark, Report, adjusted_headlines
from training.runs.page import Cell, heading, paragraph

_FIRST_ERRORS = 5
_MARKS = (
    "A mark points to where its 95% interval excludes 0; the words also heed the p-value adjusted by Holm's method."
)


def run_page(report: Report) -> str:
    """Write the page."""
    parts = [warning(list(caveats(report))), paragraph(_lead(report))]
    for benchmark in report.benchmarks:
        parts += [heading(shown.named(benchmark.name)), *_benchmark(benchmark)]
    parts += [heading("How this came about"), *origin_parts(report)]
    return whole_page(f"Evaluation {report.run.name}", parts)


def _lead(report: Report) -> str:
    samples = sum(len(summary.arm.rows) for one in report.benchmarks for summary in one.arms.values())
    days = sorted(facts.day for facts in report.run.facts)
    when = days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    targets = ", ".join(dict.fromkeys(shown.label(facts.target) for facts in report.run.facts))
    counted = f"{shown.plural(len(report.benchmarks), 'benchmark')}, {shown.plural(samples, 'answer')}, {when} (UTC)"
    return (
        f"Target: {targets}; {counted}. An arm is one way of answering: draft is the model alone, guided the revised "
        "answer. Differences are paired: both arms answered the same questions."
    )


def _benchmark(one: OfBenchmark) -> Iterator[str]:
    if one.in_full is not None and one.in_full.figures:
        yield paragraph(_in_one_sentence(one.in_full))
    yield tables.headline_table(one)
    yield from map(quiet, one.notes)
    yield from _against_draft(one)
    yield from _guided_against(one)
    yield from _axes(one)
    if one.in_full is not None:
        yield subheading(f"{GUIDED} against {DRAFT} in every figure")
        yield tables.difference_table(one.in_full)
        yield tables.cost_table(one.in_full)
    yield from _costs(one)
    yield from _calibration(one)
    yield fold("All figures of all arms", [tables.figures_table(one)])
    yield from _errors(one)
    yield from regression_parts(one)


def _in_one_sentence(comparison: Comparison) -> str:
    headline, costs = comparison.figures[0], comparison.costs
    difference = headline.difference
    return (
        f"Guided minus draft: {shown.named(headline.name)} {shown.interval(difference.interval, signed=True)}, "
        f"p {shown.p_value(difference.p_value)}, {shown.plural(difference.interval.n, 'pair')}: "
        f"{comparison.wins} higher, {comparison.ties} the same, {comparison.losses} lower; "
        f"at {shown.interval(costs['tokens'].ratio, 1)} times the tokens, "
        f"{shown.interval(costs['computed tokens'].ratio, 1)} of those that no prefix cache held."
    )


def _against_draft(one: OfBenchmark) -> Iterator[str]:
    comparisons = {name: found for name, found in one.against_draft.items() if found.figures}
    if comparisons:
        yield subheading("Every arm against the draft")
        yield _forest(one, comparisons, f"{shown.named(one.name)}: arm minus draft", list(comparisons))
        yield tables.headline_differences(comparisons)


def _guided_against(one: OfBenchmark) -> Iterator[str]:
    comparisons = {name: found for name, found in one.guided_against.items() if found.figures}
    if comparisons:
        yield subheading("Guided against its controls")
        labels = [f"guided \u2212 {name}" for name in comparisons]
        yield _forest(one, comparisons, f"{shown.named(one.name)}: guided minus control", labels)
        yield tables.headline_differences(comparisons)


def _forest(one: OfBenchmark, comparisons: Mapping[str, Comparison], title: str, labels: list[str]) -> str:
    found = dict(zip(labels, comparisons.values(), strict=True))
    rows = {label: comparison.figures[0].difference.interval for label, comparison in found.items()}
    adjusted = adjusted_headlines(comparisons)
    told = "; ".join(
        f"{shown.named(label)}: {shown.told_apart(row, adjusted[name])} (n = {row.n})"
        for name, (label, row) in zip(comparisons, rows.items(), strict=True)
    )
    drawn = plots.differences(title, f"difference of {shown.named(one.headline)}", rows)
    return plot(drawn, title, f"{told}. {_MARKS}")


def _axes(one: OfBenchmark) -> Iterator[str]:
    if one.axes is None:
        return
    scores = {
        member_of(name): {arm: s.figures[name] for arm, s in one.arms.items() if name in s.figures}
        for name in dict.fromkeys(name for s in one.arms.values() for name in s.figures)
        if name.startswith(f"{one.axes}:")
    }
    yield subheading(f"By {shown.named(one.axes)}")
    title = f"{shown.named(one.name)}: by {shown.named(one.axes)}"
    told = "Each bar with its 95% interval; the n of each stands under All figures."
    yield plot(plots.by_axis(title, "score", scores), title, told)
    if one.in_full is not None:
        yield from _trade(one, one.axes, one.in_full)


def _trade(one: OfBenchmark, axes: str, comparison: Comparison) -> Iterator[str]:
    """The axes that rise and those that fall from draft to guided: what one gains the other may lose."""
    own = [figure for figure in comparison.figures if figure.family == axes]
    rows = {member_of(figure.name): figure.difference.interval for figure in own}
    title = f"{shown.named(one.name)}: guided minus draft by {shown.named(axes)}"
    groups: dict[str, list[str]] = {}
    for figure in own:
        word = shown.told_apart(figure.difference.interval, figure.adjusted)
        change = f"{shown.number(figure.difference.interval.mean, signed=True)}, n = {figure.difference.interval.n}"
        groups.setdefault(word, []).append(f"{shown.named(member_of(figure.name))} ({change})")
    told = "; ".join(f"{word}: {', '.join(names)}" for word, names in groups.items())
    yield plot(plots.differences(title, "difference", rows), title, f"Guided against draft, {told}. {_MARKS}")


def _costs(one: OfBenchmark) -> Iterator[str]:
    points = {
        name: (summary.means["tokens"], summary.headline)
        for name, summary in one.arms.items()
        if summary.headline is not None and summary.means.get("tokens")
    }
    if points:
        yield subheading("Score against cost")
        title = f"{shown.named(one.name)}: score against tokens"
        figure = plots.against_cost(title, shown.named(one.headline), points)
        told = "One point an arm, over its own scored samples: up and left is better. Judges' tokens are not counted."
        yield plot(figure, title, told)


def _calibration(one: OfBenchmark) -> Iterator[str]:
    if one.reliability:
        title = f"{shown.named(one.name)}: calibration of the judge"
        n = sum(point.met.n for point in one.reliability)
        told = (
            f"{shown.plural(n, 'verdict')} of all arms with a probability and a known truth, in bins of equal size; "
            "Wilson intervals, too narrow where verdicts on one answer hang together."
        )
        yield subheading("The judge's probabilities")
        yield plot(plots.calibration(title, one.reliability), title, told)


def _errors(one: OfBenchmark) -> Iterator[str]:
    for name, summary in one.arms.items():
        if failures := summary.arm.failures:
            first: list[list[Cell]] = [
                [shown.label(f.id), f.epoch, shown.visible(f.message, 300)] for f in failures[:_FIRST_ERRORS]
            ]
            told = f"The first {len(first)} of {len(failures):,}." if len(first) < len(failures) else ""
            title = f"Errors of {shown.named(name)} ({len(failures):,})"
            yield fold(title, [grid(["sample", "epoch", "error"], first, told)])
