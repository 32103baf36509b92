"""The evaluation's figures as a table for people."""

from typing import Any

from rich.console import Console
from rich.table import Table

from training.miniclinic.evaluate import ARMS

COUNTS = ("verdicts", "verdicts_unscored", "criteria", "criteria_unknown", "criteria_citing_a_principle", "edits")
SHARES = (
    "verdict_accuracy", "verdict_f1", "verdict_kappa", "accepted_share", "edits_applied_share", "worse_share"
)  # fmt: skip


def show(figures: dict[str, Any], console: Console) -> None:
    """Print scores by arm, paired differences, and how the judge and the edits did."""
    console.print(_scores(figures))
    console.print(_judging(figures))


def _scores(figures: dict[str, Any]) -> Table:
    table = Table(title=f"Rubric score on {figures['n']} held-out cases (95% bootstrap interval)")
    for column in ("answer", "score", "guided minus it", "perfect", "words"):
        table.add_column(column, justify="left" if column == "answer" else "right")
    for arm in ARMS:
        difference = f"guided_minus_{arm}"
        table.add_row(
            arm.replace("_", " "),
            _interval(figures, arm),
            _interval(figures, difference) if difference in figures else "",
            f"{figures['perfect_share'][arm]:.0%}",
            f"{figures['words'][arm]:.0f}",
        )
    return table


def _judging(figures: dict[str, Any]) -> Table:
    table = Table(title="Verdicts on own drafts, edits, outcomes")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name in COUNTS:
        table.add_row(name.replace("_", " "), str(figures[name]))
    for name in SHARES:
        table.add_row(name.replace("_", " "), f"{figures[name]:.3f}")
    for outcome, count in sorted(figures["outcomes"].items()):
        table.add_row(f"outcome {outcome}", str(count))
    return table


def _interval(figures: dict[str, Any], name: str) -> str:
    low, high = figures[f"{name}_ci"]
    return f"{figures[name]:.3f} [{low:.3f}, {high:.3f}]"
