"""Figures of reports: lines over steps, bars and forest plots with intervals, as PNG for files and SVG for pages.

Invariant: the same data gives the same bytes. An SVG takes its ink from the page, so that it reads on light and dark.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from io import BytesIO
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from training.evaluation.statistics import Interval

INK = "#1b1c1d"
COLOURS = ("#3b82d0", "#d97706", "#159a6a", "#b25fc4", "#d8504c", "#8a7a12", "#808890", "#17a0b0")
WIDTH_INCHES = 7.0
MAX_POINTS = 500
FEW_POINTS = 40
_STYLE: dict[Any, Any] = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "font.family": "sans-serif",
    "font.size": 10,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
}


@dataclass(frozen=True, slots=True)
class Series:
    """One line: values by step, in order of the steps; None or a value that is not finite is a gap."""

    label: str
    steps: Sequence[float]
    values: Sequence[float | None]


def lines(title: str, y_label: str, series: Sequence[Series], *, x_label: str = "step") -> Figure:
    """Draw lines over steps; more than ``MAX_POINTS`` are drawn as means of neighbours."""
    with _styled():
        figure, axes = _blank(title, 3.2)
        for number, one in enumerate(series):
            points = _thinned(_points(one))
            axes.plot(
                [step for step, _ in points],
                [value for _, value in points],
                color=COLOURS[number % len(COLOURS)],
                label=one.label,
                linestyle=("-", "--", ":")[number // len(COLOURS) % 3],
                marker="o" if len(points) < FEW_POINTS else "",
                markersize=3,
            )
        axes.set(xlabel=x_label, ylabel=y_label)
        axes.grid(axis="y", alpha=0.25, color=INK)
        if len(series) > 1:
            axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        return figure


def bars(title: str, y_label: str, groups: Mapping[str, Mapping[str, Interval]]) -> Figure:
    """Draw bars with their intervals: a group of bars for each key, one colour for each name within the groups."""
    with _styled():
        figure, axes = _blank(title, 3.4)
        names = list(dict.fromkeys(name for group in groups.values() for name in group))
        width = 0.8 / max(1, len(names))
        for number, name in enumerate(names):
            found = [(place, group[name]) for place, group in enumerate(groups.values()) if name in group]
            means = [interval.mean for _, interval in found]
            axes.bar(
                [place + (number - (len(names) - 1) / 2) * width for place, _ in found],
                means,
                width * 0.92,
                yerr=reach([interval for _, interval in found]),
                color=COLOURS[number % len(COLOURS)],
                ecolor=INK,
                capsize=3,
                label=name,
            )
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.set_xticks(range(len(groups)), list(groups))
        axes.set_ylabel(y_label)
        if len(names) > 1:
            axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        return figure


def forest(title: str, x_label: str, rows: Mapping[str, Interval], *, nothing: float = 0.0) -> Figure:
    """Draw one interval a row, top to bottom, against the line of no difference (0.5 for a win rate)."""
    with _styled():
        figure, axes = _blank(title, 1.0 + 0.42 * len(rows))
        places = range(len(rows) - 1, -1, -1)
        intervals = list(rows.values())
        means = [interval.mean for interval in intervals]
        axes.axvline(nothing, color=INK, linewidth=0.8, linestyle="--")
        axes.errorbar(means, list(places), xerr=reach(intervals), fmt="o", color=COLOURS[0], capsize=3)
        axes.set_yticks(list(places), [f"{label}\n{interval}" for label, interval in rows.items()])
        axes.set(xlabel=x_label, ylim=(-0.6, len(rows) - 0.4))
        return figure


@contextmanager
def canvas(title: str, height_inches: float) -> Iterator[tuple[Figure, Axes]]:
    """Open a figure in the house's style for what is drawn only in one place; draw within the context."""
    with _styled():
        yield _blank(title, height_inches)


def reach(intervals: Sequence[Interval]) -> list[list[float]]:
    """How far each interval reaches below and above its mean; a mean outside its own interval reaches 0 there."""
    below = [max(0.0, interval.mean - interval.low) for interval in intervals]
    return [below, [max(0.0, interval.high - interval.mean) for interval in intervals]]


def png(figure: Figure) -> bytes:
    """Render on white."""
    with _styled():
        return _rendered(figure, "png")


def svg(figure: Figure, title: str) -> str:
    """Render to be put into a page, with ``title`` for those who cannot see it. Ids are the title's own."""
    with _styled(salt=title):
        text = _rendered(figure, "svg").decode()
    start = text.index("<svg")
    named = f'<svg role="img" aria-label="{escape(title, quote=True)}"{text[start + len("<svg") :]}'
    return named.replace(INK, "currentColor").strip()


def _blank(title: str, height_inches: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")
    axes = figure.add_subplot()
    axes.patch.set_alpha(0.0)
    axes.set_title(title)
    return figure, axes


def _rendered(figure: Figure, kind: str) -> bytes:
    written = BytesIO()
    if kind == "png":
        FigureCanvasAgg(figure)
        figure.savefig(written, format="png", dpi=144, facecolor="white", metadata={"Software": None})
    else:
        FigureCanvasSVG(figure)
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return written.getvalue()


@contextmanager
def _styled(salt: str = "") -> Iterator[None]:
    with mpl.rc_context({**_STYLE, "svg.hashsalt": salt}):
        yield


def _points(series: Series) -> list[tuple[float, float]]:
    pairs = zip(series.steps, series.values, strict=True)
    return [(step, value) for step, value in pairs if value is not None and math.isfinite(value)]


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Average neighbours, so that at most ``MAX_POINTS`` remain; a mean stands at the last of its steps."""
    size = math.ceil(len(points) / MAX_POINTS) or 1
    chunks = [points[start : start + size] for start in range(0, len(points), size)]
    return [(chunk[-1][0], math.fsum(value for _, value in chunk) / len(chunk)) for chunk in chunks]
