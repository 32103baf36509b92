"""Owns the measuring of retrieval on labelled questions: recall at 8, scenario accuracy and the time of one query.

Invariant: the held-out questions are for measuring only; nothing is fitted or chosen on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median

from principles.retrieve import TOP_K, Retrieval, Retriever
from principles.scenario import LABELS, Exemplar, load_exemplars

HELDOUT_FOLDER = Path(__file__).with_name("heldout")
WARM_UP = 5


@dataclass(frozen=True)
class Evaluation:
    """Recall is the mean over questions of the share of their relevant principles among the first 8."""

    n: int
    recall_at_8: float
    urgency: float
    uncertainty: float
    expertise: float
    task_type: float
    embed_p50_ms: float
    search_p50_ms: float

    def as_dict(self) -> dict[str, float]:
        """Field names to figures, in the order above."""
        return asdict(self)


def load_heldout(folder: Path = HELDOUT_FOLDER) -> tuple[Exemplar, ...]:
    """The held-out questions, each with one to four relevant principles."""
    return load_exemplars(folder)


def evaluate(retriever: Retriever, questions: Sequence[Exemplar]) -> Evaluation:
    """One retrieval per question, one after another; ValueError without questions or without labelled principles."""
    if not questions:
        raise ValueError("no questions to evaluate on")
    conversations = [[turn.model_dump() for turn in question.messages] for question in questions]
    for conversation in conversations[:WARM_UP]:
        retriever.retrieve(conversation, TOP_K)
    found = [retriever.retrieve(conversation, TOP_K) for conversation in conversations]
    pairs = list(zip(questions, found, strict=True))
    accuracy = {
        name: fmean(getattr(q.scenario, name) == getattr(r.scenario, name) for q, r in pairs) for name in LABELS
    }
    return Evaluation(
        n=len(pairs),
        recall_at_8=fmean(recall(question, retrieval) for question, retrieval in pairs),
        urgency=accuracy["urgency"],
        uncertainty=accuracy["uncertainty"],
        expertise=accuracy["expertise"],
        task_type=accuracy["task_type"],
        embed_p50_ms=median(retrieval.embed_ms for retrieval in found),
        search_p50_ms=median(retrieval.search_ms for retrieval in found),
    )


def recall(question: Exemplar, retrieval: Retrieval) -> float:
    """The share of the question's relevant principles that were retrieved."""
    if not question.principles:
        raise ValueError(f"no relevant principles given for {question.text!r}")
    hits = {hit.principle.id for hit in retrieval.hits}
    return fmean(id_ in hits for id_ in question.principles)
