"""What a latency run shows: tables for people, one JSON line for programs, a progress bar while it runs.

Invariant: people's tables and the JSON line go to stdout, the line last; progress goes to stderr.
"""

import json
from collections.abc import Mapping
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

_WIDTH = 120
_UNTREATED = ("degraded", "bypassed")


def progress_bar() -> Progress:
    """A bar with the time that is left, on stderr."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True))


def write_tables(summary: Mapping[str, Any], stream: TextIO) -> None:
    """Write the figures for people."""
    console = Console(file=stream, width=_WIDTH, highlight=False)
    console.print(_arms_table(summary))
    console.print(_outcomes_table(summary))
    for line in notes(summary):
        console.print(line, markup=False)


def json_line(summary: Mapping[str, Any]) -> str:
    """The figures in one line."""
    return json.dumps(summary, ensure_ascii=False)


def notes(summary: Mapping[str, Any]) -> list[str]:
    """What a reader has to know to trust the tables."""
    first, *later = summary["guided_over_plain_by_repeat"] or [None]
    lines = [
        f"over plain: {summary['ratio']}; 95% bootstrap interval over questions",
        f"drafts equal to the plain answer: {_percent(summary['draft_share_equal'])} of questions; "
        f"cached share of guided prompt tokens: {_percent(summary['cached_share'])}",
        f"guided over plain by repeat: {_number(first)} (questions first put)"
        + "".join(f", {_number(ratio)}" for ratio in later),
        f"textbook: {summary['textbook_rewrites']} rewrites in {summary['textbook_runs']} runs, "
        f"{summary['textbook_unreadable_critiques']} unreadable critiques",
    ]
    untreated = sum(row["requests"] for name, row in summary["outcomes"].items() if name in _UNTREATED)
    if untreated:
        lines.append(f"NOTE: the loop did not run in full for {untreated} of {summary['measurements']} requests")
    if summary["failures"]:
        lines.append(f"NOTE: {summary['failures']} failed and are left out")
    return lines


def _arms_table(summary: Mapping[str, Any]) -> Table:
    title = f"{summary['requests']} questions, {summary['repeats']} repeats, one engine"
    table = Table(title=title, title_justify="left")
    table.add_column("arm")
    for name in ("mean s", "median s", "over plain", "95%", "mean ratio", "median ratio", "output tok", "prompt tok"):
        table.add_column(name, justify="right", no_wrap=True)
    for arm, figures in summary["arms"].items():
        ratio = summary["ratios"].get(arm) or {}
        table.add_row(
            arm,
            _number(figures["mean_seconds"], 3),
            _number(figures["median_seconds"], 3),
            _number(ratio.get("ratio_of_means")),
            _interval(ratio.get("interval_95")),
            _number(ratio.get("mean_of_ratios")),
            _number(ratio.get("median_of_ratios")),
            _number(figures["mean_output_tokens"], 1),
            _number(figures["mean_prompt_tokens"], 1),
        )
    return table


def _outcomes_table(summary: Mapping[str, Any]) -> Table:
    table = Table(title="guided, by outcome", title_justify="left")
    table.add_column("outcome")
    for name in ("requests", "over plain", "95%", "mean ratio"):
        table.add_column(name, justify="right", no_wrap=True)
    for outcome, row in summary["outcomes"].items():
        ratio = row["over_plain"] or {}
        table.add_row(
            outcome,
            str(row["requests"]),
            _number(ratio.get("ratio_of_means")),
            _interval(ratio.get("interval_95")),
            _number(ratio.get("mean_of_ratios")),
        )
    return table


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _interval(interval: tuple[float, float] | None) -> str:
    return "-" if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"
