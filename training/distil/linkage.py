"""Owns clustering: agglomeration by average linkage, until no two clusters' mean cosine reaches a threshold.

Invariant: with exact neighbours the result is hierarchical clustering with average linkage, cut at the threshold.
What is near nothing stays alone, and a chain of near pairs does not become one cluster, since all pairs count.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from principles.embedding import Vectors
from training.distil.neighbours import Nearby, Nearest, Rows, exact
from training.distil.settings import Clustering

Labels = npt.NDArray[np.int64]


def average_linkage(vectors: Vectors, settings: Clustering, tell: Callable[[int], None] = lambda _left: None) -> Labels:
    """Cluster numbers from 0 of unit rows (n, d), in order of appearance; ``tell`` is given the number of clusters.

    All reciprocal nearest neighbours merge at once, which average linkage allows because it is reducible: a merged
    cluster is no nearer to a third than the nearer of its parts was (Sumengen et al., arXiv 2105.11653). The mean of
    all cosines between two clusters is the inner product of their mean vectors, so that an inner-product index finds
    the nearest cluster.
    """
    state = _Agglomeration(vectors, settings.threshold)
    if state.count > settings.exact_below:
        state.merge_all(Nearby(vectors, settings.seed), tell, down_to=settings.exact_below)
    if state.count <= settings.exact_below:
        state.merge_all(exact, tell)
    return state.labels()


class _Agglomeration:
    """Mean vectors and sizes of the clusters; a cluster has the number of one of its rows."""

    def __init__(self, vectors: Vectors, threshold: float) -> None:
        self._threshold = threshold
        first, self._parent = _identical(vectors)
        self._mean = vectors.copy()
        self._size = np.bincount(self._parent, minlength=len(vectors)).astype(np.float32)
        self._clusters = first

    @property
    def count(self) -> int:
        """How many clusters there are."""
        return len(self._clusters)

    def merge_all(self, nearest: Nearest, tell: Callable[[int], None], down_to: int = 1) -> None:
        """Merge until nothing is near enough, or until only ``down_to`` clusters are left.

        A cluster whose nearest is not near enough is done: nothing that others merge to will be nearer.
        """
        open_ = self._clusters
        partner = np.full(len(self._parent), -1, dtype=np.int64)
        similarity = np.full(len(self._parent), -np.inf, dtype=np.float32)
        while len(open_) > 1 and self.count > down_to:
            self._look(open_, partner, similarity, nearest)
            open_ = open_[similarity[open_] >= self._threshold]
            kept, gone = _reciprocal(open_, partner, similarity)
            if not len(kept):
                break
            self._join(kept, gone)
            touched = np.zeros(len(self._parent), dtype=bool)
            touched[kept] = touched[gone] = True
            open_ = open_[~np.isin(open_, gone)]
            stale = open_[touched[open_] | touched[partner[open_]]]
            partner[stale], similarity[stale] = -1, -np.inf
            tell(self.count)

    def labels(self) -> Labels:
        """Number the clusters by their first row."""
        root = self._parent
        while not np.array_equal(above := root[root], root):
            root = above
        _, first, inverse = np.unique(root, return_index=True, return_inverse=True)
        order = np.empty(len(first), dtype=np.int64)
        order[np.argsort(first)] = np.arange(len(first))
        numbered: Labels = order[inverse]
        return numbered

    def _look(self, open_: Rows, partner: Rows, similarity: Vectors, nearest: Nearest) -> None:
        """Find partners for those that have none; a find is told to the one found, who may have overlooked it."""
        stale = np.nonzero(partner[open_] < 0)[0]
        found, values = nearest(np.ascontiguousarray(self._mean[open_]), stale)
        seen = found >= 0
        rows, others, values = open_[stale[seen]], open_[found[seen]], values[seen]
        partner[rows], similarity[rows] = others, values
        order = np.argsort(values, kind="stable")
        rows, others, values = rows[order], others[order], values[order]
        better = values > similarity[others]
        partner[others[better]] = rows[better]
        similarity[others[better]] = values[better]

    def _join(self, kept: Rows, gone: Rows) -> None:
        sizes = self._size[kept], self._size[gone]
        total = sizes[0] + sizes[1]
        shares = sizes[0] / total, sizes[1] / total
        self._mean[kept] = shares[0][:, np.newaxis] * self._mean[kept] + shares[1][:, np.newaxis] * self._mean[gone]
        self._size[kept] = total
        self._parent[gone] = kept
        self._clusters = self._clusters[~np.isin(self._clusters, gone)]


def _reciprocal(open_: Rows, partner: Rows, similarity: Vectors) -> tuple[Rows, Rows]:
    """Pairs of open clusters that are each other's nearest; the nearest pair of all where rounding leaves none."""
    others = partner[open_]
    mutual = open_[(partner[others] == open_) & (open_ < others)]
    if not len(mutual) and len(open_):
        mutual = open_[[int(np.argmax(similarity[open_]))]]
    return mutual, partner[mutual]


def _identical(vectors: Vectors) -> tuple[Rows, Rows]:
    """The first of each set of identical rows, and for every row the first that is identical to it."""
    seen: dict[bytes, int] = {}
    parent = np.array([seen.setdefault(row.tobytes(), number) for number, row in enumerate(vectors)], dtype=np.int64)
    return np.array(sorted(seen.values()), dtype=np.int64), parent
