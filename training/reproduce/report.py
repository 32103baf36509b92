"""Writes a reproduction's report: one self-contained page, its plots as PNG, and the figures as JSON.

Invariant: it shows what is done, says what is not, and draws the same bytes from the same figures.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from training.evaluation.statistics import Interval
from training.reproduce.figures import LIFTS, METHODS
from training.reproduce.settings import ReproduceConfig
from training.runs.figures import Series, bars, forest, lines, png
from training.runs.files import RunError, replace_whole
from training.runs.folder import RunFolder
from training.runs.page import Cell, drawing, heading, page, paragraph, table

TITLE = "Every method in the miniclinic"
ABOUT = (
    "A synthetic world with an exact scorer: it measures methods, and says nothing of medicine. Scores are rubric "
    "scores on held-out cases; intervals are 95% bootstrap intervals over cases."
)
JUDGE = ("n", "accuracy", "precision", "recall", "f1", "kappa", "brier", "parse_failures", "threshold")
DISTIL = ("criteria", "distilled", "right", "recovered", "precision", "recall", "failed", "ceiling")


def write_report(figures: Mapping[str, Any], config: ReproduceConfig, folder: Path) -> Path:
    """Write ``report.html``, ``figures.json`` and ``plots/``; return the page's path. Raises ``RunError``."""
    drawn = dict(_drawn(figures, config, folder))
    plots = folder / "plots"
    plots.mkdir(parents=True, exist_ok=True)
    for name, (_, figure) in drawn.items():
        replace_whole(plots / f"{name}.png", [png(figure)])
    replace_whole(folder / "figures.json", [json.dumps(figures, indent=1).encode()])
    parts = [paragraph(ABOUT), paragraph(_progress(figures)), heading("Scores"), _scores(figures)]
    parts += [drawing(figure, title) for title, figure in drawn.values()]
    parts += [heading("Lifts and win rate"), _differences(figures), heading("Judge"), _named(figures, "judge", JUDGE)]
    parts += [heading("Principles distilled from rubrics"), _named(figures, "distil", DISTIL)]
    parts += [heading("Seconds"), table(["stage", "seconds"], list(figures["seconds"].items()))]
    path = folder / "report.html"
    replace_whole(path, [page(TITLE, parts).encode()])
    return path


def _progress(figures: Mapping[str, Any]) -> str:
    done, of = figures["stages"]["done"], figures["stages"]["of"]
    return f"{done} of {of} stages are done." + ("" if done == of else " Figures of the others are missing.")


def _drawn(
    figures: Mapping[str, Any], config: ReproduceConfig, folder: Path
) -> Iterator[tuple[str, tuple[str, Figure]]]:
    scores = {method: found for method in METHODS if (found := _intervals(figures[method], ("draft", "guided")))}
    if scores:
        title = "Draft and guided score by method"
        yield "scores", (title, bars(title, "rubric score", scores))
    if lifts := _intervals(figures, tuple(LIFTS.values())):
        title = "Lift of the draft score over SFT"
        yield "lifts", (title, forest(title, "difference, paired by case", lifts))
    if rate := _intervals(figures, ("crpo_winrate_vs_absolute",)):
        title = "CRPO against absolute scores"
        yield "win_rate", (title, forest(title, "share won, ties as half", rate, nothing=0.5))
    for metric, y_label in (("reward", "reward"), ("answer_tokens", "tokens")):
        if series := list(_training(folder, metric, config.seeds[0])):
            title = f"Training: {y_label} by step, seed {config.seeds[0]}"
            yield f"training_{metric}", (title, lines(title, f"mean {y_label}", series))


def _training(folder: Path, metric: str, seed: int) -> Iterator[Series]:
    for arm in LIFTS:
        try:
            rows = RunFolder.read(folder / "runs" / f"{arm}-{seed}").metrics()
        except RunError:
            continue
        yield Series(arm, [row["step"] for row in rows], [row.get(metric) for row in rows])


def _intervals(figures: Mapping[str, Any], names: Sequence[str]) -> dict[str, Interval]:
    found = {}
    for name in names:
        if name in figures:
            low, high = figures[f"{name}_ci"]
            found[name.replace("_", " ")] = Interval(figures[name], low, high, 0)
    return found


def _scores(figures: Mapping[str, Any]) -> str:
    header = ["method", "draft", "by seed", "tokens", "guided", "guided minus draft", "worse", "verdict accuracy"]
    rows: list[list[Cell]] = []
    for method in METHODS:
        one = figures[method]
        shown = _intervals(one, ("draft", "guided", "guided_minus_draft"))
        texts = {
            name: str(shown[name]) if name in shown else None for name in ("draft", "guided", "guided minus draft")
        }
        seeds = " ".join(f"{score:.3f}" for score in one.get("draft_by_seed", ()))
        rest = (one.get("worse_share"), one.get("verdict_accuracy"))
        row = (texts["draft"], seeds, one.get("tokens"), texts["guided"], texts["guided minus draft"], *rest)
        rows.append([method, *row])
    return table(header, rows)


def _differences(figures: Mapping[str, Any]) -> str:
    names = (*LIFTS.values(), "crpo_winrate_vs_absolute")
    rows: list[list[Cell]] = [[name, str(interval)] for name, interval in _intervals(figures, names).items()]
    rows += [
        [f"{name.replace('_', ' ')} of the exact rubric's", figures[name]]
        for name in ("rubric_lift_synthesised_share", "rubric_lift_generic_share")
        if name in figures
    ]
    if counts := figures.get("crpo_against_absolute"):
        rows.append(["wins, ties, losses", f"{counts['wins']}, {counts['ties']}, {counts['losses']}"])
    return table(["figure", "value"], rows)


def _named(figures: Mapping[str, Any], name: str, shown: Sequence[str]) -> str:
    if name not in figures:
        return paragraph("Not done yet.")
    return table(["figure", "value"], [[key.replace("_", " "), figures[name].get(key)] for key in shown])
