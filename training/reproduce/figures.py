"""Owns a reproduction's figures: read from what the stages left, with intervals, nested as method and figure.

Invariant: what is not done yet has no figure; differences are paired by case.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from training.evaluation.statistics import Interval, bootstrap_mean, paired_difference
from training.methods.comparisons import DIMENSIONS
from training.miniclinic.knowledge import load_knowledge
from training.reproduce.drafts import Draft, comparisons, read_drafts
from training.reproduce.settings import ReproduceConfig
from training.reproduce.stages import ARMS, stages
from training.runs.stages import Results

Figures = dict[str, Any]
METHODS = ("start", "sft", *ARMS)
LIFTS = {
    "grpo": "rubric_lift_exact",
    "synthesised": "rubric_lift_synthesised",
    "generic": "rubric_lift_generic",
    "crpo": "crpo_lift",
    "absolute": "absolute_lift",
}


def collect(config: ReproduceConfig, folder: Path) -> Figures:
    """Return the figures of the stages that are done.

    An arm's draft score is over cases, a case's value being the mean over seeds; intervals are 95% bootstrap intervals
    over cases. Guided scores, through the gateway, are the first seed's.
    """
    results = Results(folder)
    done = {stage.name: found for stage in stages(config.seeds) if (found := results.of(stage.name)) is not None}
    drafts = {method: _drafts(folder, method, config.seeds) for method in METHODS}
    figures: Figures = {
        method: _draft_figures(drafts[method]) | _guided_figures(_guided(folder, method, config.seeds[0]))
        for method in METHODS
    }
    figures |= _lifts(drafts) | _win_rates(drafts["crpo"], drafts["absolute"])
    figures |= {name: done[name]["figures"] for name in ("judge", "distil", "synthesise") if name in done}
    figures["seconds"] = {name: found["seconds"] for name, found in done.items()}
    figures["stages"] = {"done": len(done), "of": len(stages(config.seeds))}
    return figures


def _drafts(folder: Path, method: str, seeds: Sequence[int]) -> list[list[Draft]]:
    """The drafts of each seed that is done; methods without seeds have one set."""
    names = [method] if method in ("start", "sft") else [f"{method}-{seed}" for seed in seeds]
    paths = [folder / "drafts" / f"{name}.jsonl" for name in names]
    return [read_drafts(path) for path in paths if path.is_file()]


def _guided(folder: Path, method: str, seed: int) -> list[dict[str, Any]]:
    name = method if method in ("start", "sft") else f"{method}-{seed}"
    path = folder / "guided" / f"{name}.jsonl"
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def _draft_figures(sets: Sequence[Sequence[Draft]]) -> Figures:
    if not sets:
        return {}
    by_seed = [_mean(draft.score for draft in drafts) for drafts in sets]
    tokens = _mean(draft.tokens for drafts in sets for draft in drafts)
    return _with_interval("draft", bootstrap_mean(_case_means(sets))) | {"draft_by_seed": by_seed, "tokens": tokens}


def _guided_figures(lines: Sequence[dict[str, Any]]) -> Figures:
    if not lines:
        return {}
    guided = [line["scores"]["guided"] for line in lines]
    drafts = [line["scores"]["draft"] for line in lines]
    verdicts = [verdict["predicted"] == verdict["true"] for line in lines for verdict in line["verdicts"]]
    return (
        _with_interval("guided", bootstrap_mean(guided))
        | _with_interval("draft_through_gateway", bootstrap_mean(drafts))
        | _with_interval("guided_minus_draft", paired_difference(guided, drafts))
        | {
            "worse_share": _mean(float(g < d - 1e-9) for g, d in zip(guided, drafts, strict=True)),
            "verdict_accuracy": _mean(map(float, verdicts)),
            "accepted_share": _mean(float(line["outcome"] == "accepted") for line in lines),
        }
    )


def _lifts(drafts: dict[str, list[list[Draft]]]) -> Figures:
    """How much each arm lifts the draft score over SFT; for rubrics, also as a share of the exact rubric's lift."""
    row: Figures = {}
    for arm, name in LIFTS.items():
        if drafts["sft"] and drafts[arm]:
            row |= _with_interval(name, paired_difference(_case_means(drafts[arm]), _case_means(drafts["sft"])))
    exact = row.get("rubric_lift_exact")
    for name in ("rubric_lift_synthesised", "rubric_lift_generic"):
        if exact and name in row:
            row[f"{name}_share"] = row[name] / exact
    return row


def _win_rates(crpo: Sequence[Sequence[Draft]], absolute: Sequence[Sequence[Draft]]) -> Figures:
    """CRPO's drafts against the absolute arm's of the same seed: over cases and dimensions, a tie being half."""
    pairs = list(zip(crpo, absolute, strict=False))
    if not pairs:
        return {}
    knowledge = load_knowledge()
    cells_SND = [comparisons(knowledge, first, second) for first, second in pairs]
    cases = [_mean(_mean(cells) for cells in of_case) for of_case in zip(*cells_SND, strict=True)]
    flat = [cell for rows in cells_SND for cells in rows for cell in cells]
    counts = {"wins": flat.count(1.0), "ties": flat.count(0.5), "losses": flat.count(0.0)}
    by_dimension = {name: _mean(cells[d] for rows in cells_SND for cells in rows) for d, name in enumerate(DIMENSIONS)}
    by_seed = [_mean(_mean(cells) for cells in rows) for rows in cells_SND]
    return _with_interval("crpo_winrate_vs_absolute", bootstrap_mean(cases)) | {
        "crpo_against_absolute": counts | {"by_seed": by_seed, "by_dimension": by_dimension}
    }


def _case_means(sets: Sequence[Sequence[Draft]]) -> list[float]:
    return [_mean(draft.score for draft in drafts) for drafts in zip(*sets, strict=True)]


def _with_interval(name: str, interval: Interval) -> Figures:
    return {name: interval.mean, f"{name}_ci": [interval.low, interval.high]}


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
