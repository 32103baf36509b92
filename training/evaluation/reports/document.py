"""A report as JSON: what ``report.json`` and the leaderboard's file hold.

Invariant: plain JSON; a figure that is no number is null, and every figure stands with its interval and n.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from training.evaluation.reports.comparing import Comparison
from training.evaluation.reports.facts import Facts
from training.evaluation.reports.summaries import OfBenchmark, Report, Summary, adjusted_headlines
from training.evaluation.reports.worst import Regression
from training.evaluation.statistics import Interval

VERSION = 1


def encoded(document: Mapping[str, Any]) -> bytes:
    """Write as ASCII, which any text can be held in."""
    return json.dumps(document, indent=1, allow_nan=False).encode() + b"\n"


def document_of(report: Report) -> dict[str, Any]:
    """Lay out a report."""
    return {
        "version": VERSION,
        "run": report.run.name,
        "made_with": dict(report.run.made_with),
        "benchmarks": {one.name: _benchmark(one) for one in report.benchmarks},
        "passed_over": [{"log": one.log.name, "reason": one.reason} for one in report.run.passed_over],
    }


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """Lay out one comparison; differences are first minus second."""
    return {
        "first": comparison.first,
        "second": comparison.second,
        "pairs": comparison.pairs,
        "only_first": comparison.only_first,
        "only_second": comparison.only_second,
        "wins": comparison.wins,
        "ties": comparison.ties,
        "losses": comparison.losses,
        "figures": {
            one.name: {
                "first": _finite(one.first),
                "second": _finite(one.second),
                "difference": interval_document(one.difference.interval),
                "p": _finite(one.difference.p_value),
                "p_holm": _finite(one.adjusted),
                "family": one.family,
                "left_out": one.left_out,
            }
            for one in comparison.figures
        },
        "costs": {
            name: {
                "first_median": _finite(cost.first),
                "second_median": _finite(cost.second),
                "ratio_median": interval_document(cost.ratio),
            }
            for name, cost in comparison.costs.items()
        },
    }


def interval_document(interval: Interval) -> dict[str, Any]:
    """A figure with its 95% interval and the number of samples that it rests on."""
    low, high = _finite(interval.low), _finite(interval.high)
    return {"value": _finite(interval.mean), "low": low, "high": high, "n": interval.n}


def facts_document(facts: Facts) -> dict[str, Any]:
    """What a log's header says."""
    return {
        "log": facts.log.name,
        "target": facts.target,
        "judge": facts.judge,
        "world": facts.world,
        "data": facts.data,
        "notes": list(facts.notes),
        "status": facts.status,
        "problem": facts.problem,
        "created": facts.created,
        "completed": facts.completed,
        "planned": facts.planned,
        "revision": facts.revision,
        "versions": dict(facts.versions),
        "used": [
            {"name": u.name, "input": u.input_tokens, "cached": u.cached_tokens, "output": u.output_tokens}
            for u in facts.used
        ],
    }


def _benchmark(one: OfBenchmark) -> dict[str, Any]:
    return {
        "headline": one.headline,
        "axes": one.axes,
        "notes": list(one.notes),
        "arms": {name: _summary(summary) for name, summary in one.arms.items()},
        "against_draft": _comparisons(one.against_draft),
        "guided_against": _comparisons(one.guided_against),
        "worst": [_regression(regression) for regression in one.worst],
        "reliability": [{"probability": p.probability, "met": interval_document(p.met)} for p in one.reliability],
    }


def _comparisons(comparisons: Mapping[str, Comparison]) -> dict[str, Any]:
    adjusted = adjusted_headlines(comparisons)
    return {
        name: comparison_document(one) | {"headline_p_holm": _finite(adjusted.get(name))}
        for name, one in comparisons.items()
    }


def _summary(summary: Summary) -> dict[str, Any]:
    arm, seconds = summary.arm, summary.seconds
    return facts_document(arm.facts) | {
        "samples": len(arm.rows),
        "unscored": arm.unscored,
        "missing": arm.missing,
        "errors": [{"id": one.id, "epoch": one.epoch, "message": one.message} for one in arm.failures],
        "verdicts": {"asked": summary.asked, "unscored": summary.unread},
        "figures": {name: interval_document(interval) for name, interval in summary.figures.items()},
        "means": {name: _finite(mean) for name, mean in summary.means.items()},
        "seconds": None if seconds is None else {"median": seconds[0], "p90": seconds[1]},
        "outcomes": dict(summary.outcomes),
    }


def _regression(one: Regression) -> dict[str, Any]:
    return {
        "id": one.before.id,
        "epoch": one.before.epoch,
        "fall": one.fall,
        "before": {"score": one.before.score, "text": one.before.answered.text},
        "after": {"score": one.after.score, "text": one.after.answered.text},
        "question": one.before.question,
        "outcome": one.outcome,
        "verdicts": [
            {"criterion": v.criterion, "points": v.points, "before": v.before, "after": v.after} for v in one.verdicts
        ],
        "criteria": [dict(criterion) for criterion in one.criteria],
        "edits": [dict(edit) for edit in one.edits],
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
