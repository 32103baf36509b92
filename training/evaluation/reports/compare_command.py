"""``preceptor-eval compare RUN[:BENCHMARK][:ARM] RUN[...]``: a table to standard output, and a page or JSON on request.

Invariant: differences are first minus second, paired by sample; where the two were judged otherwise it says so.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from training.evaluation.reports import plots, shown, tables
from training.evaluation.reports.comparing import Compared, Comparison, Figures, compare
from training.evaluation.reports.document import comparison_document, encoded, facts_document
from training.evaluation.reports.families import member_of
from training.evaluation.reports.html import plot, warning, whole_page
from training.evaluation.reports.reading import Arm
from training.evaluation.reports.selection import pairs_of, selected
from training.evaluation.reports.summaries import AXES, figures_for
from training.evaluation.reports.tables import COST_DECIMALS
from training.runs.files import RunError, replace_whole
from training.runs.page import heading

Sides = tuple[Arm, Arm, Comparison]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("first", help="RUN[:BENCHMARK][:ARM]")
    parser.add_argument("second", help="RUN[:BENCHMARK][:ARM]; differences are first minus second")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page as well")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write JSON as well")


def run(arguments: argparse.Namespace, figures_of: Mapping[str, Figures]) -> int:
    """Compare and tell; return the exit status."""
    try:
        found = _compared(arguments.first, arguments.second, figures_of)
        if arguments.json is not None:
            replace_whole(arguments.json, [encoded({"comparisons": list(map(_document, found))})])
        if arguments.html is not None:
            replace_whole(arguments.html, [_page(found).encode()])
    except RunError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write("\n".join(line for one in found for line in _lines(one)))
    return 0


def unequal(first: Arm, second: Arm) -> list[str]:
    """Say in what, besides the arm, two sides differ, so that a difference may not be the arms'."""
    words = {"judge": "judges", "world": "worlds", "data": "sets of samples"}
    return [
        f"different {word}: {shown.label(ours, 80)} and {shown.label(theirs, 80)}"
        for name, word in words.items()
        if (ours := getattr(first.facts, name)) != (theirs := getattr(second.facts, name))
    ]


def _compared(first: str, second: str, figures_of: Mapping[str, Figures]) -> list[Sides]:
    ours, theirs = selected(first), selected(second)
    return [
        (one, other, compare(one, other, figures_for(one.facts.benchmark, figures_of, ours.run)))
        for one, other in pairs_of(ours, theirs)
    ]


def _title(first: Arm, second: Arm) -> str:
    sides = " \u2212 ".join(f"{shown.label(arm.facts.target)} {shown.named(arm.facts.arm)}" for arm in (first, second))
    return f"{shown.named(first.facts.benchmark)}: {sides}"


def _counts(one: Comparison) -> str:
    return (
        f"{shown.plural(one.pairs, 'pair')}; only first {one.only_first}, only second {one.only_second}; "
        f"first higher / same / lower: {one.wins} / {one.ties} / {one.losses}"
    )


def _lines(compared: Sides) -> Iterator[str]:
    first, second, comparison = compared
    yield _title(first, second)
    yield _counts(comparison)
    yield from (f"caution: {line}" for line in unequal(first, second))
    rows = [["figure", "first", "second", "difference [95%]", "p", "p Holm", "n", "left out"]]
    rows += [
        [
            shown.named(figure.name),
            shown.number(figure.first),
            shown.number(figure.second),
            shown.interval(figure.difference.interval, signed=True),
            shown.p_value(figure.difference.p_value),
            shown.p_value(figure.adjusted),
            str(figure.difference.interval.n),
            str(figure.left_out),
        ]
        for figure in comparison.figures
    ]
    yield from _aligned(rows)
    rows = [["a sample (median)", "first", "second", "ratio [95%]"]]
    rows += [
        [
            name,
            *(shown.number(side, COST_DECIMALS[name]) for side in (cost.first, cost.second)),
            shown.interval(cost.ratio, 2),
        ]
        for name, cost in comparison.costs.items()
    ]
    yield from _aligned(rows)
    yield ""


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()


def _page(found: Sequence[Sides]) -> str:
    parts: list[str] = []
    for first, second, comparison in found:
        title = _title(first, second)
        rows = {
            member_of(figure.name): figure.difference.interval for figure in comparison.figures if _of_one_scale(figure)
        }
        parts += [heading(title), *([warning(cautions)] if (cautions := unequal(first, second)) else [])]
        told = f"{_counts(comparison)}. Drawn are the axes; the table has every figure."
        parts += (
            [plot(plots.differences("First minus second, by axis", "difference", rows), title, told)] if rows else []
        )
        parts += [tables.difference_table(comparison), tables.cost_table(comparison)]
    return whole_page("Comparison", parts)


def _of_one_scale(figure: Compared) -> bool:
    return figure.family in AXES


def _document(compared: Sides) -> dict[str, Any]:
    first, second, comparison = compared
    return {
        "benchmark": first.facts.benchmark,
        "sides": [facts_document(first.facts), facts_document(second.facts)],
        "cautions": unequal(first, second),
        **comparison_document(comparison),
    }
