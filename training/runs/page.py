"""One self-contained HTML page: headings, tables and figures; no script, and nothing fetched from elsewhere.

Invariant: every text is escaped here, so that what a model wrote stays text.
"""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from matplotlib.figure import Figure

from training.runs.figures import svg

STYLE = Path(__file__).with_name("page.css")
Cell = str | float | int | None


def page(title: str, parts: Iterable[str]) -> str:
    """Join parts, which are HTML as the functions below make it."""
    head = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>\n<style>\n{STYLE.read_text(encoding='utf-8')}</style></head>"
    )
    return f"{head}\n<body>\n<h1>{escape(title)}</h1>\n" + "\n".join(parts) + "\n</body></html>\n"


def heading(text: str) -> str:
    """A section's title."""
    return f"<h2>{escape(text)}</h2>"


def paragraph(text: str) -> str:
    """A paragraph of plain text."""
    return f"<p>{escape(text)}</p>"


def table(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A table; numbers stand to the right with four significant digits, None is a dash."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "\n".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"


def drawing(figure: Figure, title: str) -> str:
    """A figure as inline SVG."""
    return f"<figure>{svg(figure, title)}</figure>"


def _cell(value: Cell) -> str:
    if value is None:
        return '<td class="number">-</td>'
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"<td>{escape(str(value))}</td>"
    return f'<td class="number">{value if isinstance(value, int) else format(value, ".4g")}</td>'
