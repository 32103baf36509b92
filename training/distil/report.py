"""Owns figures as text: one per line, groups indented, tables of like rows side by side."""

from collections.abc import Mapping, Sequence
from typing import Any


def shown(figures: Mapping[str, Any], indent: str = "") -> str:
    """The figures in their order; None is shown as a dash."""
    lines = []
    for name, value in figures.items():
        if isinstance(value, Mapping):
            lines.append(f"{indent}{name}\n{shown(value, indent + '  ')}")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            lines.append(f"{indent}{name}\n{_table(value, indent + '  ')}")
        else:
            lines.append(f"{indent}{name:<28} {_figure(value)}\n")
    return "".join(lines)


def _table(rows: Sequence[Mapping[str, Any]], indent: str) -> str:
    if not rows:
        return ""
    names = list(rows[0])
    cells = [names, *([_figure(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    text = ("  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True)) for line in cells)
    return "".join(f"{indent}{line}\n" for line in text)


def _figure(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
