"""Owns clusters of criteria: putting them together by sign and meaning, and the criteria that stand for each.

Invariant: every criterion is in exactly one cluster, and the examples of a cluster come first among its criteria.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import numpy as np

from principles.embedding import Vectors, normalised
from training.distil.criteria import Criterion, questions_of
from training.distil.linkage import average_linkage
from training.distil.settings import Clustering
from training.distil.space import reduced
from training.distil.vectors import Halves


@dataclass(frozen=True)
class Cluster:
    """Criteria that ask for one thing; the first ``shown`` stand for it, the one nearest to the centre first."""

    criteria: tuple[Criterion, ...]
    shown: int

    @cached_property
    def id(self) -> str:
        """Hash of the criteria that it holds, whatever their order."""
        return sha256("\n".join(sorted(criterion.key for criterion in self.criteria)).encode()).hexdigest()[:16]

    @cached_property
    def questions(self) -> tuple[str, ...]:
        """Ids of the questions that ask for any of its criteria."""
        return tuple(questions_of(self.criteria))

    @property
    def support(self) -> int:
        """How many questions those are."""
        return len(self.questions)

    @property
    def examples(self) -> tuple[str, ...]:
        """The texts that stand for it."""
        return tuple(criterion.text for criterion in self.criteria[: self.shown])


def cluster_criteria(
    criteria: Sequence[Criterion],
    vectors: Halves | Vectors,
    settings: Clustering,
    examples: int,
    tell: Callable[[int], None] = lambda _left: None,
) -> tuple[Cluster, ...]:
    """Cluster criteria by their vectors (n, width); largest support first.

    What gives points and what costs them never share a cluster: they may read alike and mean the opposite.
    """
    if not criteria:
        return ()
    space = reduced(vectors, settings.dimensions, settings.seed)
    found: list[Cluster] = []
    for sign in (1, -1):
        rows = np.array([row for row, criterion in enumerate(criteria) if criterion.sign == sign], dtype=np.int64)
        if not len(rows):
            continue
        labels = average_linkage(space[rows], settings, tell)
        order = np.argsort(labels, kind="stable")
        for members in np.split(rows[order], np.nonzero(np.diff(labels[order]))[0] + 1):
            ranked = members[representatives(space[members], examples)]
            found.append(Cluster(tuple(criteria[row] for row in ranked), min(examples, len(ranked))))
    return tuple(sorted(found, key=lambda cluster: (-cluster.support, cluster.id)))


def representatives(vectors: Vectors, count: int) -> list[int]:
    """All rows of unit vectors (n, d), those first that stand for them: half near the centre, then the spread.

    The nearest to the centre say what the cluster is about; of the rest, each next one is the farthest from all that
    were taken (Gonzalez 1985), so that the model sees how far it reaches. After ``count`` the nearest come first again.
    """
    centre = normalised(vectors.mean(axis=0))
    by_nearness = [int(row) for row in np.argsort(-(vectors @ centre), kind="stable")]
    taken = by_nearness[: min(len(by_nearness), (count + 1) // 2)]
    nearest = (vectors @ vectors[taken].T).max(axis=1)
    while len(taken) < min(count, len(vectors)):
        nearest[taken] = np.inf
        farthest = int(np.argmin(nearest))
        taken.append(farthest)
        nearest = np.maximum(nearest, vectors @ vectors[farthest])
    chosen = set(taken)
    return [*taken, *(row for row in by_nearness if row not in chosen)]
