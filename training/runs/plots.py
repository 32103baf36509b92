"""Plots of one run from its metrics and rollouts: a PNG for each figure, and all of them in one report.html.

Invariant: a figure is there exactly if its series are; drawing again from the same files gives the same bytes.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.runs import figures, metrics
from training.runs.files import RunError, naming, replace_whole
from training.runs.folder import RunFolder
from training.runs.page import Cell, drawing, heading, page, table

SHOWN_ROLLOUTS = 3


@dataclass(frozen=True, slots=True)
class _Plot:
    """One figure: the metrics it shows, by name or, ending in a slash, by family."""

    name: str
    title: str
    y_label: str
    shows: tuple[str, ...]


PLOTS = (
    _Plot("reward", "Reward", "reward", (metrics.REWARD, metrics.REWARD_PART)),
    _Plot("scores", "Score by axis or dimension", "score", (metrics.SCORE,)),
    _Plot("win_rates", "Win rate by counterpart", "win rate", (metrics.WIN_RATE,)),
    _Plot("zero_variance", "Groups without variance", "share of groups", (metrics.ZERO_VARIANCE_SHARE,)),
    _Plot("judge_failures", "Judge failures", "share unscored", (metrics.UNSCORED_SHARE,)),
    _Plot("length", "Length of answers", "mean tokens", (metrics.ANSWER_TOKENS,)),
    _Plot("kl", "KL from the starting model", "nats a token", (metrics.KL,)),
    _Plot("loss", "Loss", "loss", (metrics.LOSS, metrics.EVAL_LOSS)),
    _Plot("evaluation", "Evaluation", "value", (metrics.EVAL,)),
)


def plot(folder: RunFolder) -> tuple[Path, ...]:
    """Write the run's plots into ``plots/`` and ``report.html``, and return their paths, the report last.

    Raises ``RunError`` for a run without metrics, for broken lines, and where a file cannot be written.
    """
    series = _series(folder.metrics())
    if not series:
        raise RunError(f"{folder.path}: no metrics to plot")
    with naming(folder.path / "plots"):
        (folder.path / "plots").mkdir(exist_ok=True)
    written, drawings = [], []
    for one in PLOTS:
        if not (shown := _shown(one, series)):
            continue
        figure = figures.lines(one.title, one.y_label, shown)
        path = folder.path / "plots" / f"{one.name}.png"
        replace_whole(path, [figures.png(figure)])
        written.append(path)
        drawings.append(drawing(figure, one.title))
    report = folder.path / "report.html"
    replace_whole(report, [_report(folder, series, drawings).encode()])
    return (*written, report)


def main(argv: Sequence[str]) -> int:
    """Run ``python -m training plot`` and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m training plot", description="Draw a run's metrics.")
    parser.add_argument("run", type=Path, help="folder of the run")
    try:
        written = plot(RunFolder.read(parser.parse_args(argv).run))
    except RunError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.writelines(f"{path}\n" for path in written)
    return 0


def _series(rows: Sequence[Mapping[str, Any]]) -> dict[str, figures.Series]:
    """Every metric with a value, in the order of first appearance; a step written twice has its last value."""
    values: dict[str, dict[float, float]] = {}
    for row in rows:
        for name, value in row.items():
            if name != "step" and value is not None:
                values.setdefault(name, {})[row["step"]] = value
    return {name: figures.Series(name, *_columns(found)) for name, found in values.items()}


def _columns(found: Mapping[float, float]) -> tuple[list[float], list[float]]:
    steps = sorted(found)
    return steps, [found[step] for step in steps]


def _shown(one: _Plot, series: Mapping[str, figures.Series]) -> list[figures.Series]:
    """The plot's series; a family's members go by their own names, and one shown elsewhere by name isn't among them."""
    named = {name for other in PLOTS for name in other.shows if not name.endswith("/")}
    shown = [series[name] for name in one.shows if name in series]
    for family in (name for name in one.shows if name.endswith("/")):
        members = sorted(name for name in series if name.startswith(family) and name not in named)
        shown += [figures.Series(n.removeprefix(family), series[n].steps, series[n].values) for n in members]
    return shown


def _report(folder: RunFolder, series: Mapping[str, figures.Series], drawings: Sequence[str]) -> str:
    made_with = folder.made_with
    parts = [*drawings, heading("Last figures"), table(("metric", "step", "value"), _last(series))]
    if (finished := folder.finished) is not None:
        parts += [heading("Finished with"), table(("figure", "value"), _flat("", finished))]
    if rollouts := _rollouts(folder):
        parts += [heading("Rollouts of the last step"), table(("question", "reward", "tokens", "answer"), rollouts)]
    made = {name: value for name, value in made_with.items() if name != "config"}
    parts += [heading("Configuration"), table(("key", "value"), _flat("", made_with["config"]))]
    parts += [heading("Made with"), table(("key", "value"), _flat("", made))]
    return page(f"Run {folder.path.resolve().name}", parts)


def _last(series: Mapping[str, figures.Series]) -> Iterator[tuple[Cell, ...]]:
    for name, one in series.items():
        yield name, int(one.steps[-1]), one.values[-1]


def _rollouts(folder: RunFolder) -> list[tuple[Cell, ...]]:
    """The last step's rollouts of highest and of lowest reward; unscored ones are none of them."""
    last: list[dict[str, Any]] = []
    for row in folder.rollouts():
        if last and row["step"] != last[0]["step"]:
            last.clear()
        last.append(row)
    scored = sorted((row for row in last if row.get("reward") is not None), key=lambda row: -float(row["reward"]))
    ends = scored if len(scored) <= 2 * SHOWN_ROLLOUTS else scored[:SHOWN_ROLLOUTS] + scored[-SHOWN_ROLLOUTS:]
    return [(row.get("question"), row["reward"], row.get("answer_tokens"), row.get("answer")) for row in ends]


def _flat(key: str, value: Any) -> Iterator[tuple[Cell, ...]]:
    """Rows of dotted keys and plain values."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _flat(f"{key}.{name}" if key else str(name), inner)
    elif value is None or isinstance(value, str | int | float):
        yield key, value
    else:
        yield key, json.dumps(value, ensure_ascii=False)
