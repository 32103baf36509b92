"""The record of one request as JSON: what was retrieved, asked, judged, changed, and what it cost.

Invariant: everything that led to the answer is here, refused edits and unscored criteria included.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from principles.corpus import Corpus
from service.api.answer_types import TraceView
from service.api.usage import usage_of
from service.revision.events import (
    AnswerDelta,
    DraftBegun,
    DraftDelta,
    EditDecided,
    Event,
    Finished,
    PrinciplesFound,
    RubricWritten,
    VerdictGiven,
)
from service.revision.rubric import Criterion
from service.revision.trace import EditRecord, Trace, Verdict


def trace_view(trace: Trace, corpus: Corpus) -> TraceView:
    """Lay out a finished trace."""
    return TraceView.model_validate(
        {
            "outcome": trace.outcome,
            "reason": trace.reason,
            "rounds": trace.rounds,
            "draft": trace.draft,
            "scenario": scenario_view(trace.scenario, trace.confidence),
            "principles": [principle_view(id_, similarity, corpus) for id_, similarity in trace.principles],
            "criteria": _judged(trace),
            "edits": [edit_view(record) for record in trace.edits],
            "corpus": corpus.sha8,
            "prompts": trace.prompts,
            "usage": {**usage_of(trace), "steps": [_step(trace, index) for index in range(len(trace.usage))]},
            "timings_ms": {name: round(ms, 3) for name, ms in trace.timings_ms.items()},
        }
    )


def scenario_view(scenario: Mapping[str, str], confidence: Mapping[Any, float]) -> dict[str, dict[str, Any]]:
    """Each dimension's value and how sure the classifier is of it (None where it does not say)."""
    shares = {str(name): round(share, 4) for name, share in confidence.items()}
    return {name: {"value": value, "confidence": shares.get(name)} for name, value in scenario.items()}


def principle_view(id_: str, similarity: float | None, corpus: Corpus) -> dict[str, Any]:
    """A retrieved principle with what it says and what it rests on."""
    principle = corpus.by_id(id_)
    return {
        "id": id_,
        "similarity": None if similarity is None else round(similarity, 4),
        "dimension": principle.dimension,
        "title": principle.title,
        "statement": principle.statement,
        "basis": principle.basis,
        "review": principle.review.status,
    }


def criterion_view(number: int, criterion: Criterion) -> dict[str, Any]:
    """One criterion; ``number`` counts from 1."""
    return {
        "number": number,
        "text": criterion.text,
        "points": criterion.points,
        "principle": criterion.principle_id,
    }


def verdict_view(verdict: Verdict, criteria: Sequence[Criterion]) -> dict[str, Any]:
    """One verdict and whether it is the one a good answer gets (None where unscored)."""
    satisfied = None if verdict.met is None else criteria[verdict.criterion].satisfied_by(verdict.met)
    return {"probability": verdict.probability, "met": verdict.met, "satisfied": satisfied}


def edit_view(record: EditRecord) -> dict[str, Any]:
    """One edit, the criterion it answers, and the reason if it was refused."""
    edit = record.edit
    return {
        "criterion": record.criterion + 1,
        "operation": edit.operation if edit else None,
        "number": edit.number if edit else None,
        "text": edit.text if edit else None,
        "accepted": record.refused is None,
        "reason": record.refused,
    }


class StageView:
    """Lays out a loop's events one by one: (name, JSON) each. The last, ``Finished``, is not its business."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._criteria: tuple[Criterion, ...] = ()

    def show(self, event: Event) -> tuple[str, dict[str, Any]] | None:
        """The event's name and content."""
        match event:
            case DraftDelta(text):
                return "draft", {"delta": text}
            case AnswerDelta(text):
                return "answer", {"delta": text}
            case PrinciplesFound(scenario, principles):
                shown = [principle_view(id_, similarity, self._corpus) for id_, similarity in principles]
                return "principles", {"scenario": scenario, "principles": shown}
            case RubricWritten(criteria):
                self._criteria = criteria
                return "rubric", {"criteria": [criterion_view(n, c) for n, c in enumerate(criteria, start=1)]}
            case VerdictGiven(verdict, check):
                shown_verdict = verdict_view(verdict, self._criteria)
                return "verdict", {"criterion": verdict.criterion + 1, "check": check, **shown_verdict}
            case EditDecided(record):
                return "edit", edit_view(record)
            case DraftBegun() | Finished():
                return None


def _judged(trace: Trace) -> list[dict[str, Any]]:
    before = {verdict.criterion: verdict_view(verdict, trace.criteria) for verdict in trace.before}
    after = {verdict.criterion: verdict_view(verdict, trace.criteria) for verdict in trace.after}
    return [
        {**criterion_view(index + 1, criterion), "before": before.get(index), "after": after.get(index)}
        for index, criterion in enumerate(trace.criteria)
    ]


def _step(trace: Trace, index: int) -> dict[str, Any]:
    step = trace.usage[index]
    return {
        "step": step.step,
        "prompt_tokens": step.prompt_tokens,
        "cached_tokens": step.cached_tokens,
        "completion_tokens": step.completion_tokens,
        "start_ms": round(step.start_ms, 3),
        "ms": round(step.ms, 3),
    }
