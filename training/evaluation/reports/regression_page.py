"""The worst regressions on a run's page: question, draft, revision, both sides' verdicts, and what the gateway did.

Invariant: folded until asked for; what was not recorded is said to be so.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from training.evaluation.reports import shown
from training.evaluation.reports.html import beside, fold, foreign, grid, label_of, quiet, subheading
from training.evaluation.reports.summaries import DRAFT, GUIDED, OfBenchmark
from training.evaluation.reports.worst import Regression
from training.runs.page import Cell


def regression_parts(one: OfBenchmark) -> Iterator[str]:
    """The section of one benchmark; none where draft and guided are not both there."""
    if one.in_full is None:
        return
    fell = one.in_full.losses
    yield subheading("Where the revision did harm")
    scored = one.in_full.wins + one.in_full.ties + fell
    told = f"Of {shown.plural(scored, 'pair')} with both scores, {fell:,} fell from draft to guided"
    yield quiet(f"{told}; the {len(one.worst)} that fell furthest:" if one.worst else f"{told}.")
    for regression in one.worst:
        yield fold(_title(regression), _parts(regression))


def _title(one: Regression) -> str:
    epoch = f", epoch {one.before.epoch}" if one.before.epoch > 1 else ""
    ended = f", {one.outcome}" if one.outcome else ""
    scores = f"{shown.number(one.before.score)} \u2192 {shown.number(one.after.score)}"
    return f"{shown.label(one.before.id)}{epoch}: {scores} ({shown.number(-one.fall, signed=True)}){ended}"


def _parts(one: Regression) -> Iterator[str]:
    yield label_of("Question")
    yield foreign(one.before.question)
    yield beside({"Draft": one.before.answered.text, "Revision": one.after.answered.text})
    if one.own_draft is not None:
        yield label_of("The draft that the gateway revised, which is another one")
        yield foreign(one.own_draft)
    rows: list[list[Cell]] = [
        [
            v.criterion,
            v.points,
            shown.verdict(v.before, v.asked_before),
            shown.verdict(v.after, v.asked_after),
            _changed(v.before, v.after),
            v.reason,
        ]
        for v in one.verdicts
    ]
    yield label_of("The benchmark's verdicts on both")
    header = ["criterion", "points", DRAFT, GUIDED, "changed", "judge's reason, guided"]
    yield grid(header, rows)
    yield from _gateway(one)


def _changed(before: bool | None, after: bool | None) -> str:
    if before is None or after is None or before == after:
        return ""
    return "now met" if after else "no longer met"


def _gateway(one: Regression) -> Iterator[str]:
    if one.outcome is None:
        yield quiet("No record of the gateway's own criteria and edits.")
        return
    criteria: list[list[Cell]] = [
        [c.get("number"), str(c.get("text")), c.get("points"), _own(c.get("before")), _own(c.get("after"))]
        for c in one.criteria
    ]
    yield label_of("The gateway's own criteria")
    yield grid(["#", "criterion", "points", "before", "after"], criteria)
    edits: list[list[Cell]] = [
        [
            e.get("criterion"),
            e.get("operation"),
            e.get("number"),
            e.get("text"),
            "accepted" if e.get("accepted") else f"refused: {e.get('reason')}",
        ]
        for e in one.edits
    ]
    yield label_of("Its edits")
    yield grid(["for #", "edit", "sentence", "text", "decision"], edits) if edits else quiet("It made no edits.")


def _own(verdict: Mapping[str, Any] | None) -> str:
    if verdict is None:
        return shown.NOWHERE
    probability = verdict.get("probability")
    told = shown.verdict(verdict.get("met"))
    return told if probability is None else f"{told} ({probability:.2f})"
