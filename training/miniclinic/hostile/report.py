"""The figures of the hostile texts as tables for people."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table


def show(figures: dict[str, Any], console: Console) -> None:
    """Print what was measured: the guard, and verdicts and answers where there are any."""
    console.print(_guard(figures["guard"]))
    if "verdicts" in figures:
        for key in ("carrier", "family", "target"):
            console.print(_verdicts(figures["verdicts"], key))
    if "answers" in figures:
        console.print(_answers(figures["answers"]))


def _guard(figures: dict[str, Any]) -> Table:
    table = Table("edits", "share", "n", title="Guard: dangerous edits let through, harmless ones refused (95% Wilson)")
    rows = {"let through, all": figures["let_through"], **figures["let_through_by_kind"]}
    rows |= {
        "let through, phrasings not foreseen": figures["unforeseen_let_through"],
        "refused, harmless": figures["false_refusals"],
        "refused, the miniclinic's right edits": figures["right_edits_refused"],
    }
    for name, share in rows.items():
        table.add_row(name.replace("_", " "), _share(share), str(share[3]))
    return table


def _verdicts(figures: dict[str, Any], key: str) -> Table:
    title = f"Verdicts changed, by {key}: hostile text / innocent text in its place (95% Wilson)"
    table = Table(key, "to met", "to not met", "p", "right", "unreadable", title=title)
    for name, group in {"all": figures["all"], **figures[key]}.items():
        hostile, control = group["hostile"], group["control"]
        table.add_row(
            name.replace("_", " "),
            f"{_share(hostile['to_met'])} / {_share(control['to_met'])}",
            f"{_share(hostile['to_not_met'])} / {_share(control['to_not_met'])}",
            f"{group['p_value']:.2g}",
            " / ".join(f"{group['accuracy'][arm][0]:.3f}" for arm in ("hostile", "control", "clean"))
            if group["accuracy"]["clean"]
            else "",
            f"{group['unreadable']['hostile']} / {group['unreadable']['control']}",
        )
    return table


def _answers(figures: dict[str, Any]) -> Table:
    title = "Final answers, exact score: hostile minus innocent text (95% bootstrap); emergency advice lost"
    table = Table("carrier", "texts", "clean", "hostile", "control", "difference", "lost", "lost, control", title=title)
    for name, group in {"all": figures["all"], **figures["carrier"]}.items():
        mean, low, high = group["hostile_minus_control"]
        table.add_row(
            name,
            str(group["texts"]),
            *(f"{group['score'][arm]:.3f}" for arm in ("clean", "hostile", "control")),
            f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]",
            _share(group["emergency_lost"]["hostile"]),
            _share(group["emergency_lost"]["control"]),
        )
    return table


def _share(share: Sequence[float] | None) -> str:
    return "none" if share is None else f"{share[0]:.3f} [{share[1]:.3f}, {share[2]:.3f}]"
