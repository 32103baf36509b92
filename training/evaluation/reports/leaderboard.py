"""One leaderboard over several runs: every arm of every run by its headline, in tables of what may be compared.

Invariant: a table holds answers to the same samples of the same benchmark, judged by the same judge; anything else
stands in a table of its own, which says why.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.evaluation.reports import shown
from training.evaluation.reports.comparing import Figures
from training.evaluation.reports.document import facts_document, interval_document
from training.evaluation.reports.facts import Facts
from training.evaluation.reports.html import grid, whole_page
from training.evaluation.reports.reading import Arm, Run
from training.evaluation.reports.summaries import figures_for, mean_of_measure, of_headline, seconds_of
from training.evaluation.statistics import Interval
from training.runs.page import Cell, heading, paragraph

TITLE = "Leaderboard"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What has to be the same for two scores to be compared."""

    benchmark: str
    data: str
    world: str
    judge: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One arm of one run."""

    run: str
    arm: Arm
    headline: Interval


@dataclass(frozen=True, slots=True)
class Board:
    """Entries under the same conditions, highest first; ``apart`` says how these differ from the first board's of the
    same benchmark, None for that one."""

    conditions: Conditions
    headline: str
    entries: tuple[Entry, ...]
    apart: str | None


def boards_of(runs: Sequence[Run], figures_of: Mapping[str, Figures]) -> list[Board]:
    """Sort the arms of all runs into boards. Raises ``RunError`` for a benchmark without figures."""
    found: dict[Conditions, list[Entry]] = {}
    names: dict[Conditions, str] = {}
    for run in runs:
        for benchmark, arms in run.arms.items():
            figures = figures_for(benchmark, figures_of, run)
            for arm in arms.values():
                conditions = _conditions(arm.facts)
                name, headline = of_headline(arm.rows, figures)
                names.setdefault(conditions, name)
                found.setdefault(conditions, []).append(Entry(run.name, arm, headline))
    firsts: dict[str, Conditions] = {}
    boards = []
    for conditions in sorted(found, key=lambda one: (one.benchmark, -len(found[one]), one.data, one.judge)):
        first = firsts.setdefault(conditions.benchmark, conditions)
        entries = sorted(found[conditions], key=_rank)
        boards.append(Board(conditions, names[conditions], tuple(entries), _apart(conditions, first)))
    return boards


def leaderboard_page(boards: Sequence[Board]) -> str:
    """Write the page."""
    parts = [paragraph("Scores stand in one table only where benchmark, samples, world and judge are the same.")]
    for board in boards:
        conditions = board.conditions
        parts += [heading(f"{shown.named(conditions.benchmark)}, judged by {shown.label(conditions.judge)}")]
        if board.apart is not None:
            parts += [paragraph(board.apart)]
        parts += [grid(_header(board), _rows(board), _told(conditions))]
    return whole_page(TITLE, parts)


def leaderboard_document(boards: Sequence[Board]) -> dict[str, Any]:
    """Lay out the boards as JSON."""
    return {"boards": [_board_document(board) for board in boards]}


def _conditions(facts: Facts) -> Conditions:
    return Conditions(facts.benchmark, facts.data, facts.world, facts.judge)


def _apart(conditions: Conditions, first: Conditions) -> str | None:
    different = [name for name in ("data", "world", "judge") if getattr(conditions, name) != getattr(first, name)]
    if not different:
        return None
    words = {"data": "its samples are others", "world": "it is of another world", "judge": "another judge scored it"}
    return f"Apart from the table above, since {' and '.join(words[name] for name in different)}."


def _rank(entry: Entry) -> tuple[bool, float, str, str]:
    score = entry.headline.mean
    return (math.isnan(score), 0.0 if math.isnan(score) else -score, entry.run, entry.arm.facts.arm)


def _header(board: Board) -> list[str]:
    score = f"{shown.named(board.headline)} [95%]"
    return [
        "",
        "run",
        "arm",
        "target",
        score,
        "n",
        "unscored",
        "errors",
        "missing",
        "tokens",
        "seconds",
        "date",
        "status",
    ]


def _rows(board: Board) -> Iterator[list[Cell]]:
    for place, entry in enumerate(board.entries, start=1):
        facts, arm = entry.arm.facts, entry.arm
        seconds = seconds_of(arm)
        yield [
            place,
            shown.label(entry.run),
            shown.named(facts.arm),
            shown.label(facts.target),
            shown.interval(entry.headline),
            entry.headline.n,
            arm.unscored,
            len(arm.failures),
            arm.missing,
            shown.number(mean_of_measure(arm, "tokens"), 0),
            shown.NOWHERE if seconds is None else shown.number(seconds[0], 2),
            facts.day,
            facts.status,
        ]


def _told(conditions: Conditions) -> str:
    return (
        f"Samples {conditions.data}, world {conditions.world}. Intervals: 95% bootstrap over questions; where two "
        "overlap the order is open, and a paired comparison tells more. Tokens: mean a sample; seconds: median."
    )


def _board_document(board: Board) -> dict[str, Any]:
    conditions = board.conditions
    return {
        "benchmark": conditions.benchmark,
        "data": conditions.data,
        "world": conditions.world,
        "judge": conditions.judge,
        "headline": board.headline,
        "apart": board.apart,
        "entries": [
            facts_document(entry.arm.facts)
            | {
                "run": entry.run,
                "arm": entry.arm.facts.arm,
                "headline": interval_document(entry.headline),
                "unscored": entry.arm.unscored,
                "errors": len(entry.arm.failures),
                "missing": entry.arm.missing,
                "tokens_mean": mean_of_measure(entry.arm, "tokens"),
                "seconds_median": None if (seconds := seconds_of(entry.arm)) is None else seconds[0],
            }
            for entry in board.entries
        ],
    }
