"""Owns measuring distillation on rubrics whose true principles are known: the miniclinic's.

Invariant: figures with and without the model's merge are of the same clusters, so that their difference is the model's.
Right is a distilled principle whose nearest principle of the corpus is the true one of most criteria behind it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from models.engine import Engine
from principles.corpus import Corpus
from principles.embedding import Embedder, Vectors
from principles.index import principle_text
from training.distil.candidates import groups_of_clusters
from training.distil.clusters import Cluster, cluster_criteria
from training.distil.criteria import Criterion, collect, rubric_of
from training.distil.linkage import average_linkage
from training.distil.merge_prompt import MergePrompt
from training.distil.merged import MergedPrinciple
from training.distil.merging import Failure, Merger, Merges
from training.distil.miniclinic import rubric_rows, true_principle
from training.distil.partition_scores import partition_scores, silhouette
from training.distil.pipeline import Watch
from training.distil.settings import Clustering, Settings
from training.distil.space import reduced
from training.miniclinic.knowledge import Knowledge

THRESHOLDS = (0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)
Figures = dict[str, object]


class Evaluation:
    """The criteria of ``n`` held-out rubrics, their clusters, and what is true of them.

    Precision: right principles among the distilled. Recall: true principles that a right one names, among all that the
    criteria have.
    """

    def __init__(self, knowledge: Knowledge, corpus: Corpus, embed: Embedder, settings: Settings, n: int) -> None:
        self._embed, self._settings = embed, settings
        asked = [one for row in rubric_rows(knowledge, n) for one in rubric_of(row)[1]]
        self.questions = n
        self.criteria = collect(asked)
        self._truth = {criterion.key: true_principle(knowledge, criterion.text) for criterion in self.criteria}
        vectors = embed([criterion.text for criterion in self.criteria])
        self.clusters = cluster_criteria(self.criteria, vectors, settings.clustering, settings.merging.examples)
        self.supported = [cluster for cluster in self.clusters if cluster.support >= settings.min_support]
        self._corpus = corpus
        self._corpus_vectors = embed([principle_text(principle) for principle in corpus.principles])

    def clustering(self) -> Figures:
        """How well the clusters keep true principles apart and together, over all criteria."""
        return _partition([cluster.criteria for cluster in self.clusters], self._truth)

    def ceiling(self) -> float:
        """The recall of a merge that names the true principle of every supported cluster."""
        return len({self._majority([cluster]) for cluster in self.supported}) / len(set(self._truth.values()))

    def without_merge(self) -> Figures:
        """The figures where the criterion in the middle of each cluster stands for its principle."""
        stand_in = {
            cluster.id: MergedPrinciple("", cluster.examples[0], "do" if cluster.criteria[0].sign > 0 else "avoid")
            for cluster in self.supported
        }
        return self._figures(stand_in)

    async def with_merge(self, engine: Engine, prompt: MergePrompt, folder: Path, watch: Watch) -> Figures:
        """The figures where the model names each principle; failures are reported with their reasons."""
        merger = Merger(engine, prompt, self._settings.merging, folder)
        merges: Merges = await merger.merge(self.supported, watch.step("merging", len(self.supported)))
        reasons = Counter(_kind_of(failure) for failure in merges.failures.values())
        return {**self._figures(merges.principles), "failed": len(merges.failures), "reasons": dict(reasons)}

    def _figures(self, principles: Mapping[str, MergedPrinciple]) -> Figures:
        groups = groups_of_clusters(self.supported, principles, self._embed, self._settings.same_as)
        named = self._named([principles[group[0].id] for group in groups])
        right = [found for group, found in zip(groups, named, strict=True) if found == self._majority(group)]
        figures: Figures = {
            "distilled": len(groups),
            "right": len(right),
            "recovered": len(set(right)),
            "precision": len(right) / len(groups) if groups else None,
            "recall": len(set(right)) / len(set(self._truth.values())),
        }
        members = [[criterion for cluster in group for criterion in cluster.criteria] for group in groups]
        return figures | (_partition(members, self._truth) if members else {})

    def _named(self, principles: Sequence[MergedPrinciple]) -> list[str]:
        """Id of the corpus principle nearest to each, by title and statement as in retrieval."""
        if not principles:
            return []
        texts = [f"{p.title}. {p.statement}" if p.title else p.statement for p in principles]
        rows = (self._embed(texts) @ self._corpus_vectors.T).argmax(axis=1)
        return [self._corpus.principles[row].id for row in rows]

    def _majority(self, group: Sequence[Cluster]) -> str:
        counts = Counter(self._truth[criterion.key] for cluster in group for criterion in cluster.criteria)
        return counts.most_common(1)[0][0]


def threshold_table(knowledge: Knowledge, embed: Embedder, settings: Clustering) -> list[Figures]:
    """The clustering of every criterion of the miniclinic at each of ``THRESHOLDS``: the reason for the default."""
    texts = list(knowledge.asked_by)
    truth = [true_principle(knowledge, text) for text in texts]
    space: Vectors = reduced(embed(texts), settings.dimensions, settings.seed)
    table: list[Figures] = []
    for threshold in THRESHOLDS:
        labels = [int(label) for label in average_linkage(space, Clustering(threshold=threshold))]
        row = {"threshold": threshold, **asdict(partition_scores(labels, truth))}
        table.append({**row, "silhouette": silhouette(space, labels)})
    return table


def _partition(groups: Sequence[Sequence[Criterion]], truth: Mapping[str, str]) -> Figures:
    found = [number for number, group in enumerate(groups) for _ in group]
    return asdict(partition_scores(found, [truth[criterion.key] for group in groups for criterion in group]))


def _kind_of(failure: Failure) -> str:
    """The reason up to its first colon, so that like ones count together."""
    return failure.reason.partition(":")[0]
