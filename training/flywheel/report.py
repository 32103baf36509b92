"""Writes the wheel's report: one self-contained page, its plots as PNG, and the figures as JSON.

Invariant: it shows what is done, says what is not, and draws the same bytes from the same figures.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from training.evaluation.statistics import Interval
from training.flywheel.figures import LIFTS, MEASURES
from training.runs.figures import bars, forest, png
from training.runs.files import replace_whole
from training.runs.page import Cell, drawing, heading, page, paragraph, table

TITLE = "One turn of the wheel"
ABOUT = (
    "Revisions of a synthetic world, reviewed by simulated reviewers, and judge and policy trained on what they said. "
    "It measures the machinery and says nothing of medicine. Intervals are 95% bootstrap intervals over held-out cases."
)


def write_report(figures: Mapping[str, Any], folder: Path) -> Path:
    """Write ``report.html``, ``figures.json`` and ``plots/``; return the page's path. Raises ``RunError``."""
    drawn = dict(_drawn(figures))
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    for name, (_, figure) in drawn.items():
        replace_whole(folder / "plots" / f"{name}.png", [png(figure)])
    replace_whole(folder / "figures.json", [json.dumps(figures, indent=1).encode()])
    done, of = figures["stages"]["done"], figures["stages"]["of"]
    parts = [paragraph(ABOUT), paragraph(f"{done} of {of} stages are done.")]
    parts += [drawing(figure, title) for title, figure in drawn.values()]
    parts += [heading("Before and after"), table(["figure", "value"], list(_measured(figures)))]
    for name in ("collect", "export", "judge", "policy"):
        parts += [heading(name.capitalize()), table(["figure", "value"], list(_flat("", figures.get(name, {}))))]
    parts += [heading("Seconds"), table(["stage", "seconds"], list(figures["seconds"].items()))]
    path = folder / "report.html"
    replace_whole(path, [page(TITLE, parts).encode()])
    return path


def _drawn(figures: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, Figure]]]:
    groups = {
        measure: found
        for measure, subjects in MEASURES.items()
        if (found := {s: one for s in subjects if (one := _interval(figures, f"{measure}_{s}")) is not None})
    }
    if groups:
        title = "Before and after, on held-out cases"
        yield "scores", (title, bars(title, "score, or share of verdicts right", groups))
    lifts = {name.replace("_", " "): one for name in LIFTS.values() if (one := _interval(figures, name)) is not None}
    if lifts:
        title = "What feedback lifts"
        yield "lifts", (title, forest(title, "difference, paired by case", lifts))


def _interval(figures: Mapping[str, Any], name: str) -> Interval | None:
    if name not in figures:
        return None
    low, high = figures[f"{name}_ci"]
    return Interval(figures[name], low, high, 0)


def _measured(figures: Mapping[str, Any]) -> Iterator[tuple[Cell, ...]]:
    names = [f"{measure}_{subject}" for measure, subjects in MEASURES.items() for subject in subjects]
    for name in (*names, *LIFTS.values()):
        if (one := _interval(figures, name)) is not None:
            yield name.replace("_", " "), str(one)


def _flat(key: str, value: Any) -> Iterator[tuple[Cell, ...]]:
    """Rows of dotted keys and plain values."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(f"{key}.{name}" if key else str(name), inner)
    else:
        yield key, value if value is None or isinstance(value, str | int | float) else json.dumps(value)
