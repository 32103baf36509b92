"""Parts of a report's page beyond those of ``training.runs.page``: captions, folds, foreign text, downloads.

Invariant: one file without script that fetches nothing; every text is escaped, and foreign text is made visible first.
"""

import base64
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from matplotlib.figure import Figure

from training.evaluation.reports.shown import NOWHERE, visible
from training.runs.figures import svg
from training.runs.page import STYLE, Cell

OWN_STYLE = Path(__file__).with_name("page.css")
MOST_CHARACTERS = 8_000
_MOST_IN_CELL = 600
_NUMBER = re.compile(r"[-+\u2212<]?[\s\u00a0]*\d[^a-zA-Z]*$|-?$")
_NUMERIC = ' class="number"'
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def whole_page(title: str, parts: Iterable[str]) -> str:
    """Join parts to a page."""
    style = "".join(path.read_text(encoding="utf-8") for path in (STYLE, OWN_STYLE))
    named = escape(visible(title))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{named}</title>\n<style>\n{style}</style></head>\n<body>\n<h1>{named}</h1>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def grid(header: Sequence[str], rows: Iterable[Sequence[Cell]], told: str = "") -> str:
    """A table that scrolls within itself, and one sentence under it; columns of numbers stand to the right."""
    cells = [[_written(cell) for cell in row] for row in rows]
    right = [all(_NUMBER.match(row[column]) for row in cells) for column in range(len(header))]
    body = "\n".join(_line("td", row, right) for row in cells)
    table = f"<table>\n<thead>{_line('th', header, right)}</thead>\n<tbody>\n{body}\n</tbody></table>"
    return table + (quiet(told) if told else "")


def plot(figure: Figure, title: str, told: str) -> str:
    """A figure with one sentence under it."""
    with warnings.catch_warnings():
        # The reader's browser has the glyphs: only the measure of a label is off.
        warnings.filterwarnings("ignore", r"Glyph \d+", UserWarning)
        drawn = svg(figure, visible(title, _MOST_IN_CELL))
    return f"<figure>{drawn}<figcaption>{escape(visible(told))}</figcaption></figure>"


def subheading(text: str) -> str:
    """A title within a section."""
    return f"<h3>{escape(visible(text))}</h3>"


def label_of(text: str) -> str:
    """A small title over a text or a table."""
    return f"<h4>{escape(visible(text))}</h4>"


def quiet(text: str) -> str:
    """A sentence of explanation."""
    return f'<p class="quiet">{escape(visible(text))}</p>'


def warning(items: Sequence[str]) -> str:
    """What has to be known before anything else is read."""
    return "<aside><ul>" + "".join(f"<li>{escape(visible(item))}</li>" for item in items) + "</ul></aside>"


def fold(summary: str, parts: Iterable[str]) -> str:
    """Parts that are shown on demand."""
    return f"<details><summary>{escape(visible(summary))}</summary>\n" + "\n".join(parts) + "\n</details>"


def beside(texts: Mapping[str, str]) -> str:
    """Titled texts that others wrote, side by side where there is room."""
    blocks = (f"<div>{label_of(title)}{foreign(text)}</div>" for title, text in texts.items())
    return f'<div class="beside">{"".join(blocks)}</div>'


def foreign(text: str) -> str:
    """Text that others wrote, line by line, in its own direction."""
    return f'<div class="text" dir="auto">{escape(visible(text, MOST_CHARACTERS))}</div>'


def download(name: str, content: bytes) -> str:
    """A link that holds a JSON file."""
    data = base64.b64encode(content).decode()
    return f'<p><a download="{escape(name)}" href="data:application/json;base64,{data}">Download {escape(name)}</a></p>'


def _written(cell: Cell) -> str:
    if cell is None:
        return NOWHERE
    return (
        visible(cell, _MOST_IN_CELL) if isinstance(cell, str) else format(cell, "," if isinstance(cell, int) else ".4g")
    )


def _line(tag: str, cells: Sequence[str], right: Sequence[bool]) -> str:
    marked = zip(cells, right, strict=True)
    return (
        "<tr>" + "".join(f"<{tag}{_NUMERIC * is_right}>{escape(cell)}</{tag}>" for cell, is_right in marked) + "</tr>"
    )
