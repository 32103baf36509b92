"""What an overhead run shows to people.

Invariant: a figure that was not measured is a dash, and what falls short is said in words below the tables.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

from loadtest.overhead import STEADY
from loadtest.targets import KINDS

_WIDTH = 120


def write_tables(summary: Mapping[str, Any], stream: TextIO) -> None:
    """Write the figures for people."""
    console = Console(file=stream, width=_WIDTH, highlight=False)
    console.print(_headline(summary))
    for kind in KINDS:
        console.print(_levels(summary, kind))
    for line in notes(summary):
        console.print(line, markup=False)


def notes(summary: Mapping[str, Any]) -> list[str]:
    """What a reader has to know to trust the tables."""
    setup = summary["setup"]
    lines = [
        f"CPU: user and system time of the target's processes for each request, at the steady rate; tokens of a stream "
        f"{setup['token_gap_ms']:g} ms apart",
        "added: over the direct engine in the same repeat, from the moment at which a request was due; the engine's "
        "own row is absolute",
        f"medians of {setup['repeats']} repeats, CPU over all of them; load generator: "
        f"{_number(summary['client_cpu_ms'])} ms CPU for each JSON request",
    ]
    paces = ", ".join(f"{pace:g}" for pace in setup["pace_ms"])
    idle = ", ".join(f"{name} {ms:g}" for name, ms in setup["idle_cpu_ms_per_second"].items())
    lines.append(f"a fixed piece of work took {paces} ms of CPU in these repeats; idle, ms of CPU a second: {idle}")
    lines += [f"NOTE: {name} not measured: {row['unavailable']}" for name, row in summary["unavailable"].items()]
    if "optillm" in summary["targets"]:
        lines.append("NOTE: optillm sends a stream's answer in one event, so that its stream is no stream of 16 tokens")
    for name, row in summary["targets"].items():
        for kind in KINDS:
            lines += _shortfalls(f"{name}, {kind}", row["detail"][kind], setup["rate"])
    return lines


def _shortfalls(what: str, levels: Mapping[str, Any], wanted: float) -> list[str]:
    steady = levels[STEADY]
    lines = []
    if steady["saturated"]:
        lines.append(f"NOTE: {what}: cannot hold {wanted:g}/s; measured at {steady['offered_rate']:g}/s")
    for level, row in levels.items():
        lines += [f"NOTE: {what}, {level}: {number} x {fault}" for fault, number in row["faults"].items()]
    return lines


def _headline(summary: Mapping[str, Any]) -> Table:
    columns = ("JSON at", "CPU ms", "added p50", "added p99", "own p50", "own p99", "stream at", "CPU ms", "most/s")
    table = _table(f"at a steady {summary['setup']['rate']:g} requests/s, where it can be held", "target", columns)
    for name, row in summary["targets"].items():
        steady, stream = (row["detail"][kind][STEADY] for kind in KINDS)
        own = steady.get("own_overhead") or {}
        figures = (row["json_cpu_ms"], row["p50_ms"], row["p99_ms"], own.get("p50_ms"), own.get("p99_ms"))
        table.add_row(
            name,
            _told(STEADY, steady),
            *(_number(figure) for figure in figures),
            _told(STEADY, stream),
            _number(row["stream_cpu_ms"]),
            _number(row["rps"], 0),
        )
    return table


def _levels(summary: Mapping[str, Any], kind: str) -> Table:
    columns = ("load", "requests/s", "p50 ms", "p99 ms", "added p50", "added p99", "CPU ms")
    table = _table({"json": "JSON requests", "stream": "16-token streams"}[kind], "target", columns)
    for name, target in summary["targets"].items():
        for level, row in target["detail"][kind].items():
            keys = ("p50_ms", "p99_ms", "added_p50_ms", "added_p99_ms", "cpu_ms")
            table.add_row(name, _told(level, row), _number(row["rps"], 0), *(_number(row.get(key)) for key in keys))
    return table


def _told(level: str, row: Mapping[str, Any]) -> str:
    return f"{row['offered_rate']:g}/s" if level == STEADY else f"{level.removeprefix('c')} at once"


def _table(title: str, first: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
