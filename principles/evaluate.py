"""Owns the measuring on labelled questions: recall at 8, scenario accuracy, topic, and the time of one query.

Invariant: the held-out questions are for measuring only; nothing is fitted or chosen on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median

import numpy as np

from principles.retrieve import TOP_K, Retrieval, Retriever
from principles.scenario import LABELS, Exemplar, load_exemplars
from principles.topic import HEALTH_THRESHOLD, TopicClassifier, TopicExemplar, load_talk

HELDOUT_FOLDER = Path(__file__).with_name("heldout")
WARM_UP = 5
FOLDS = 10


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


@dataclass(frozen=True)
class CrossValidation:
    """The topic of the exemplars, each judged by a classifier, threshold included, that did not see its fold."""

    folds: int
    talk: int
    health: int
    emergent: int
    bypass_precision: float
    bypass_recall: float
    emergent_bypassed: int

    def as_dict(self) -> dict[str, float]:
        """Field names to figures, in the order above."""
        return asdict(self)


@dataclass(frozen=True)
class TopicEvaluation:
    """A bypass is a query taken for talk: its precision and recall, and how many emergent ones were bypassed.

    The times are those after embedding: of a query taken for health, and of one taken for talk.
    """

    talk: int
    health: int
    emergent: int
    bypass_precision: float
    bypass_recall: float
    emergent_bypassed: int
    health_p50_ms: float
    talk_p50_ms: float

    def as_dict(self) -> dict[str, float]:
        """Field names to figures, in the order above."""
        return asdict(self)


def load_heldout(folder: Path = HELDOUT_FOLDER) -> tuple[Exemplar, ...]:
    """The held-out questions, each with one to four relevant principles."""
    return load_exemplars(folder)


def load_heldout_topics(folder: Path = HELDOUT_FOLDER) -> tuple[TopicExemplar, ...]:
    """The queries held out for the topic, and after them the held-out questions, which are all about health."""
    queries = load_talk(folder / "talk")
    return queries + tuple(
        TopicExemplar(messages=q.messages, topic="emergent" if q.scenario.urgency == "emergent" else "health")
        for q in load_heldout(folder)
    )


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


def evaluate_topic(retriever: Retriever, queries: Sequence[TopicExemplar]) -> TopicEvaluation:
    """One retrieval per query, one after another; ValueError if none is talk, or all or none are bypassed."""
    found = [retriever.retrieve([turn.model_dump() for turn in query.messages], TOP_K) for query in queries]
    bypassed = [query.topic for query, retrieval in zip(queries, found, strict=True) if not retrieval.is_health]
    topics = [query.topic for query in queries]
    if "talk" not in topics or not 0 < len(bypassed) < len(queries):
        raise ValueError("no talk to evaluate on, or all or none bypassed")
    return TopicEvaluation(
        talk=topics.count("talk"),
        health=len(topics) - topics.count("talk"),
        emergent=topics.count("emergent"),
        bypass_precision=bypassed.count("talk") / len(bypassed),
        bypass_recall=bypassed.count("talk") / topics.count("talk"),
        emergent_bypassed=bypassed.count("emergent"),
        health_p50_ms=median(r.topic_ms for r in found if r.is_health),
        talk_p50_ms=median(r.topic_ms for r in found if not r.is_health),
    )


def cross_validate(topic: TopicClassifier, folds: int = FOLDS) -> CrossValidation:
    """Every `folds`-th exemplar in turn left out, in their order: talk with its clauses, health as a whole only."""
    rows = topic.rows
    topics = [rows.topics[row] for row in np.unique(rows.exemplars, return_index=True)[1]]
    highest = np.full(len(topics), -np.inf)
    for fold in range(folds):
        left_out = range(fold, len(topics), folds)
        fitted = TopicClassifier(rows.without(left_out), topic.wording, topic.embed)
        for row, exemplar in enumerate(rows.exemplars):
            if exemplar in left_out:
                highest[exemplar] = max(highest[exemplar], fitted.score(rows.vectors[row]))
    bypassed = [topics[exemplar] for exemplar in np.flatnonzero(highest < HEALTH_THRESHOLD)]
    return CrossValidation(
        folds=folds,
        talk=topics.count("talk"),
        health=len(topics) - topics.count("talk"),
        emergent=topics.count("emergent"),
        bypass_precision=bypassed.count("talk") / len(bypassed),
        bypass_recall=bypassed.count("talk") / topics.count("talk"),
        emergent_bypassed=bypassed.count("emergent"),
    )


def recall(question: Exemplar, retrieval: Retrieval) -> float:
    """The share of the question's relevant principles that were retrieved."""
    if not question.principles:
        raise ValueError(f"no relevant principles given for {question.text!r}")
    hits = {hit.principle.id for hit in retrieval.hits}
    return fmean(id_ in hits for id_ in question.principles)
