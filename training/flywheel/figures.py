"""Owns the wheel's figures: read from what the stages left, with intervals over held-out cases.

Invariant: what is not done yet has no figure; differences are paired by case.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.evaluation.statistics import Interval, bootstrap_mean, paired_difference
from training.flywheel.stages import JUDGES, MODELS, stages
from training.flywheel.verdicts import load_verdicts
from training.reproduce.drafts import read_drafts
from training.runs.stages import Results

Figures = dict[str, Any]
MEASURES = {"drafts": MODELS, "guided": MODELS, "verdicts": JUDGES, "reviewers": JUDGES}
"""What is measured, and of which two checkpoints: the one there was, and the one that was trained."""
LIFTS = {
    "drafts": "policy_draft_lift",
    "guided": "policy_guided_lift",
    "verdicts": "judge_accuracy_lift",
    "reviewers": "judge_reviewers_lift",
}


def collect_figures(folder: Path) -> Figures:
    """Return the figures of the stages that are done; a case's verdict accuracy is the share of its labels."""
    results = Results(folder)
    done = {stage.name: found for stage in stages() if (found := results.of(stage.name)) is not None}
    figures: Figures = {
        name: done[name]["figures"] for name in ("collect", "export", "judge", "policy") if name in done
    }
    for measure, subjects in MEASURES.items():
        values = {subject: _values(folder, measure, subject) for subject in subjects if f"{measure}:{subject}" in done}
        for subject, of_cases in values.items():
            figures |= _with_interval(f"{measure}_{subject}", bootstrap_mean(of_cases))
        if len(values) == len(subjects):
            before, after = (values[subject] for subject in subjects)
            figures |= _with_interval(LIFTS[measure], paired_difference(after, before))
    figures["seconds"] = {name: found["seconds"] for name, found in done.items()}
    figures["stages"] = {"done": len(done), "of": len(stages())}
    return figures


def _values(folder: Path, measure: str, subject: str) -> Sequence[float]:
    """One value for each held-out case, in the same order whatever the subject."""
    if measure == "drafts":
        return [draft.score for draft in read_drafts(folder / "drafts" / f"{subject}.jsonl")]
    if measure == "guided":
        text = (folder / "guided" / f"{subject}.jsonl").read_text(encoding="utf-8")
        return [json.loads(line)["scores"]["guided"] for line in text.split("\n") if line]
    right = load_verdicts(folder / measure / f"{subject}.json").right
    return [sum(flags) / len(flags) for _, flags in sorted(right.items())]


def _with_interval(name: str, interval: Interval) -> Figures:
    return {name: interval.mean, f"{name}_ci": [interval.low, interval.high]}
