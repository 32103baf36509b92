"""Owns the whole way from a file of rubrics to candidate principles and their review sheet, in one folder.

Invariant: a run that was stopped goes on where it was; what a step leaves out is counted and written, never dropped.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from models.engine import Engine
from principles.corpus import Corpus
from principles.embedding import Embedder
from principles.query import render
from principles.review_sheet import sheet_text
from principles.scenario import ScenarioClassifier
from principles.schema import Scenario
from training.distil.candidates import Candidate, groups_of_clusters, make_candidates
from training.distil.clusters import Cluster, cluster_criteria
from training.distil.criteria import Asked, Question, collect
from training.distil.merge_prompt import MergePrompt
from training.distil.merging import Merger
from training.distil.scope import base_rates
from training.distil.settings import Settings
from training.distil.vectors import VectorStore
from training.runs.files import RunError, json_line, replace_whole

CLUSTERS, PRINCIPLES, SHEET, RUN = "clusters.jsonl", "principles.jsonl", "review.csv", "run.json"


class Watch(Protocol):
    """Shows how far a step is."""

    def step(self, name: str, total: int) -> Callable[[int], None]:
        """Begin a step; the function returned is given how much of the total is done."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a run had and made. ``unsupported`` clusters have fewer questions than ``min_support``."""

    questions: int
    criteria: int
    clusters: int
    unsupported: int
    merged: int
    failed: int
    candidates: int
    same_as_corpus: int


@dataclass(frozen=True, slots=True)
class Parts:
    """What a distillation works with."""

    engine: Engine
    prompt: MergePrompt
    embed: Embedder
    classifier: ScenarioClassifier
    corpus: Corpus


async def distil(
    questions: Sequence[Question], asked: Sequence[Asked], parts: Parts, settings: Settings, folder: Path, watch: Watch
) -> Counts:
    """Run every step into ``folder``; run it again to go on.

    Raises ``EngineUnavailable``, and ``RunError`` for files and for a folder whose sheet may hold decisions already.
    """
    if (folder / SHEET).exists():
        raise RunError(f"{folder / SHEET} exists; move it away to have it made again (what is merged stays)")
    criteria, store = collect(asked), VectorStore(folder, parts.embed)
    vectors = store.of([c.text for c in criteria], watch.step("embedding criteria", len(criteria)))
    told = watch.step("clustering", len(criteria))
    clusters = cluster_criteria(
        criteria, vectors, settings.clustering, settings.merging.examples, lambda left: told(len(criteria) - left)
    )
    told(len(criteria))
    replace_whole(folder / CLUSTERS, (json_line(_cluster_row(c), folder / CLUSTERS) for c in clusters))
    supported = [cluster for cluster in clusters if cluster.support >= settings.min_support]
    merger = Merger(parts.engine, parts.prompt, settings.merging, folder)
    merges = await merger.merge(supported, watch.step("merging", len(supported)))
    scenarios = scenarios_of(questions, store, parts.classifier, watch)
    groups = groups_of_clusters(supported, merges.principles, parts.embed, settings.same_as)
    candidates = make_candidates(
        groups,
        merges.principles,
        scenarios,
        base_rates(list(scenarios.values())),
        parts.corpus,
        parts.embed,
        settings.same_as,
    )
    counts = Counts(
        questions=len(questions),
        criteria=len(criteria),
        clusters=len(clusters),
        unsupported=len(clusters) - len(supported),
        merged=len(merges.principles),
        failed=len(merges.failures),
        candidates=len(candidates),
        same_as_corpus=sum(candidate.nearest is not None and candidate.nearest.same for candidate in candidates),
    )
    _write(folder, candidates, counts, parts, settings)
    return counts


def scenarios_of(
    questions: Sequence[Question], store: VectorStore, classifier: ScenarioClassifier, watch: Watch
) -> Mapping[str, Scenario]:
    """The scenario of each question by its id, as the gateway would classify it."""
    texts = [render([{"role": role, "content": content} for role, content in q.messages]) for q in questions]
    vectors = store.of(texts, watch.step("embedding questions", len(texts)))
    return {
        question.id: classifier.classify(vector.astype("float32")).scenario
        for question, vector in zip(questions, vectors, strict=True)
    }


def _cluster_row(cluster: Cluster) -> dict[str, object]:
    criteria = [{"criterion": c.text, "points": c.points, "axis": c.axis} for c in cluster.criteria]
    return {"cluster": cluster.id, "support": cluster.support, "criteria": criteria}


def _write(folder: Path, candidates: Sequence[Candidate], counts: Counts, parts: Parts, settings: Settings) -> None:
    lines = (candidate.model_dump_json().encode() + b"\n" for candidate in candidates)
    replace_whole(folder / PRINCIPLES, lines)
    replace_whole(folder / SHEET, [sheet_text(candidate.as_sheet_row() for candidate in candidates).encode()])
    run = {
        "settings": asdict(settings),
        "prompt": parts.prompt.version,
        "model": parts.engine.model,
        "corpus": parts.corpus.sha8,
        "counts": asdict(counts),
    }
    replace_whole(folder / RUN, [json.dumps(run, indent=2).encode() + b"\n"])
