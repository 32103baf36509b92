"""What a run of faults shows: a row for each fault, and all of it as JSON.

Invariant: what must never be is told in words beside its row; a scenario that could not be run says why.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

from loadtest.faults.client import End, Got
from loadtest.faults.drain import Ending
from loadtest.faults.leaving import TARGET_SECONDS, Leaving
from loadtest.faults.scenario import ASKING, Row
from loadtest.faults.stage import Limits

_WIDTH = 150


@dataclass(slots=True)
class Results:
    """Everything of a run; ``sockets`` are those of the gateway at the end beyond the start, by scene."""

    limits: Limits
    rows: list[Row] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    leavings: list[Leaving] = field(default_factory=list)
    sockets: dict[str, int] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)

    @property
    def wrong(self) -> list[str]:
        """What must never be, each with its scenario."""
        found = [f"{row.fault} {row.step}, {row.engines} engines: {what}" for row in self.rows for what in row.wrong]
        found += [f"{row.fault}: {what}" for row in self.endings for what in row.wrong]
        found += [f"client left at {row.moment}: {what}" for row in self.leavings for what in sorted(set(row.wrong))]
        return found + [f"{scene}: {number} sockets too many" for scene, number in self.sockets.items() if number]

    def as_json(self) -> dict[str, Any]:
        """The run as JSON has it."""
        return {
            "simulated": True,
            "limits": {name: getattr(self.limits, name) for name in Limits.__dataclass_fields__},
            "faults": [row.as_json() for row in self.rows],
            "gateway": [row.as_json() for row in self.endings],
            "leaving": [row.as_json() for row in self.leavings],
            "sockets_left": self.sockets,
            "not_run": self.not_run,
            "wrong": self.wrong,
        }


def show(results: Results, stream: TextIO) -> None:
    """Write the tables."""
    console = Console(file=stream, width=_WIDTH, highlight=False)
    if results.rows:
        console.print(_faults(results.rows))
    if results.endings:
        for ending in results.endings:
            console.print(f"{ending.fault}: {dict(ending.ends)} {ending.facts}", markup=False)
    if results.leavings:
        console.print(_leavings(results.leavings))
    for name, why in results.not_run.items():
        console.print(f"NOT RUN {name}: {why}", markup=False)
    for line in results.wrong or ["nothing hung, nothing was lost, nothing was left behind"]:
        console.print(line, markup=False)


def _faults(rows: Sequence[Row]) -> Table:
    table = Table(title="what three clients got, and after how many seconds", title_justify="left")
    for name in ("fault", "step", "engines", *(asking.name for asking in ASKING), "left", "again s", "all well s"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        left = "?" if row.left is None else ("work" if row.left.work else "nothing")
        got = (told(row.got[asking.name]) for asking in ASKING)
        again, well = (_seconds(one) for one in (row.recovered_seconds, row.all_well_seconds))
        table.add_row(row.fault, row.step, str(row.engines), *got, left, again, well)
    return table


def told(got: Got) -> str:
    """One client's end in a few words."""
    match got.end:
        case End.ANSWER:
            what = f"{got.outcome} {got.reason}".strip()
        case End.ERROR:
            what = f"{got.status} {got.code}"
        case End.STREAM_ERROR:
            what = f"event {got.code}"
        case other:
            what = other.value
    return f"{what} {got.seconds:.1f}"


def _leavings(rows: Sequence[Leaving]) -> Table:
    title = f"client leaves: ms until the engine has nothing to do; the target is {TARGET_SECONDS * 1000:.0f}"
    table = Table(title=title, title_justify="left")
    for name in ("moment", "repeats", "p50", "p99", "greatest", "in time", "calls after", "missed"):
        table.add_column(name, justify="left" if name == "moment" else "right")
    for row in rows:
        figures = row.as_json()
        names = ("repeats", "p50_ms", "p99_ms", "greatest_ms", "within_target", "calls_after", "missed")
        table.add_row(row.moment, *(str(figures[name]) for name in names))
    return table


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.1f}"
