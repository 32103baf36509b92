"""Owns candidate principles: what a distillation proposes for review, with everything that it rests on.

Invariant: a candidate keeps the ids of all rubrics behind it, and its id is taken by no other candidate.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from principles.corpus import Corpus
from principles.embedding import Embedder
from principles.review_sheet import joined
from principles.sameness import groups_of_same, nearest_of
from principles.schema import Applies, Dimension, Polarity, Record, Scenario
from training.distil.clusters import Cluster
from training.distil.criteria import questions_of
from training.distil.merged import MergedPrinciple
from training.distil.scope import Rates, applies_to, dimension_of

MAX_EXAMPLE_CHARS = 500
MIN_EXAMPLES = 4


class Nearest(Record):
    """A principle of the corpus, the cosine of the statements, and whether that is enough to be the same."""

    id: str
    similarity: float
    same: bool


class Candidate(Record):
    """One proposed principle; ``source_rubric_ids`` are the questions whose rubrics ask for it.

    ``why`` is empty where the model gave none; ``points`` are the model's, or the median of the criteria's, with the
    sign of the polarity. ``nearest`` is None only beside an empty corpus.
    """

    id: str
    dimension: Dimension
    title: str
    statement: str
    why: str
    polarity: Polarity
    points: int
    applies: Applies
    support: int
    criteria: int
    examples: tuple[str, ...]
    nearest: Nearest | None
    clusters: tuple[str, ...]
    source_rubric_ids: tuple[str, ...]

    def as_sheet_row(self) -> dict[str, str]:
        """Its row of the review sheet."""
        applies = {f"applies_{name}": joined(values) for name, values in self.applies}
        near = self.nearest
        return {
            **{name: str(getattr(self, name)) for name in ("id", "dimension", "title", "statement", "why", "polarity")},
            **applies,
            "points": str(self.points),
            "support": str(self.support),
            "same_as": near.id if near is not None and near.same else "",
            "similarity": f"{near.similarity:.2f} {near.id}" if near is not None else "",
            "examples": "\n".join(text[:MAX_EXAMPLE_CHARS] for text in self.examples),
        }


def groups_of_clusters(
    clusters: Sequence[Cluster], principles: Mapping[str, MergedPrinciple], embed: Embedder, same_as: float
) -> list[list[Cluster]]:
    """The merged clusters, those together whose principles say the same; the one of largest support first."""
    merged = [cluster for cluster in clusters if cluster.id in principles]
    if not merged:
        return []
    vectors = embed([principles[cluster.id].statement for cluster in merged])
    polarities = [principles[cluster.id].polarity for cluster in merged]
    return [[merged[row] for row in group] for group in groups_of_same(vectors, polarities, same_as)]


def make_candidates(
    groups: Sequence[Sequence[Cluster]],
    principles: Mapping[str, MergedPrinciple],
    scenarios: Mapping[str, Scenario],
    rates: Rates,
    corpus: Corpus,
    embed: Embedder,
    same_as: float,
) -> tuple[Candidate, ...]:
    """One candidate for each group of clusters; ``scenarios`` by question id. Largest support first."""
    if not groups:
        return ()
    leaders = [principles[group[0].id] for group in groups]
    nearest = _nearest(leaders, corpus, embed, same_as)
    taken: set[str] = set()
    made = []
    for group, principle, near in zip(groups, leaders, nearest, strict=True):
        criteria = [criterion for cluster in group for criterion in cluster.criteria]
        questions = tuple(questions_of(criteria))
        asked = [scenarios[id_] for id_ in questions]
        dimension = dimension_of(asked, rates)
        made.append(
            Candidate(
                id=_free_id(dimension, principle.title, taken),
                dimension=dimension,
                title=principle.title,
                statement=principle.statement,
                why=principle.why or "",
                polarity=principle.polarity,
                points=_points(principle, [criterion.points for criterion in criteria]),
                applies=applies_to(asked, rates),
                support=len(questions),
                criteria=len(criteria),
                examples=_examples(group),
                nearest=near,
                clusters=tuple(cluster.id for cluster in group),
                source_rubric_ids=questions,
            )
        )
    return tuple(sorted(made, key=lambda candidate: (-candidate.support, candidate.id)))


def _nearest(
    principles: Sequence[MergedPrinciple], corpus: Corpus, embed: Embedder, same_as: float
) -> list[Nearest | None]:
    if not len(corpus):
        return [None] * len(principles)
    found = nearest_of(
        embed([principle.statement for principle in principles]),
        [principle.polarity for principle in principles],
        embed([principle.statement for principle in corpus.principles]),
        [principle.polarity for principle in corpus.principles],
    )
    return [
        None if near is None else Nearest(id=corpus.principles[near[0]].id, similarity=near[1], same=near[1] >= same_as)
        for near in found
    ]


def _examples(group: Sequence[Cluster]) -> tuple[str, ...]:
    """The middle of each cluster first, then what else stands for the first ones, as many as the largest shows."""
    texts = [cluster.examples[0] for cluster in group] + [text for cluster in group for text in cluster.examples[1:]]
    return tuple(texts[: max(MIN_EXAMPLES, *(cluster.shown for cluster in group))])


def _points(principle: MergedPrinciple, of_criteria: Iterable[float]) -> int:
    """Half points are rounded away from 0, so that none becomes 0."""
    if principle.points is not None:
        return principle.points
    size = max(1, int(abs(median(of_criteria)) + 0.5))
    return -size if principle.polarity == "avoid" else size


def _free_id(dimension: Dimension, title: str, taken: set[str]) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "principle"
    id_, number = f"{dimension}.{slug}", 1
    while id_ in taken:
        number += 1
        id_ = f"{dimension}.{slug}-{number}"
    taken.add(id_)
    return id_
