"""Owns finding, for rows of a set of vectors, the nearest other row: every one compared, or those in nearby cells.

Invariant: similarities are exact inner products of the pairs found; only which pair is found may be approximate.
"""

from typing import Any, Protocol

import faiss as untyped_faiss
import numpy as np
import numpy.typing as npt

from principles.embedding import Vectors

Rows = npt.NDArray[np.int64]
PROBES = 24
_CELLS_PER_ROOT = 4
_TRAINED_ON_PER_CELL = 64

# The stubs describe the C++ signatures; the Python wrappers take arrays and keywords.
faiss: Any = untyped_faiss


class Nearest(Protocol):
    """Finds nearest neighbours."""

    def __call__(self, vectors: Vectors, rows: Rows) -> tuple[Rows, Vectors]:
        """For each of ``rows`` the nearest other row of ``vectors`` (n, d), and their inner product.

        Where none is found: row -1 and similarity -inf.
        """


def exact(vectors: Vectors, rows: Rows) -> tuple[Rows, Vectors]:
    """Compare with every other row."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return _others(index.search(np.ascontiguousarray(vectors[rows]), 2), rows)


class Nearby:
    """Compares with the rows in the ``PROBES`` nearest cells; the cells are made once, of the vectors given first."""

    def __init__(self, vectors: Vectors, seed: int) -> None:
        self._cells = max(1, int(_CELLS_PER_ROOT * np.sqrt(len(vectors))))
        self._quantizer = faiss.IndexFlatIP(vectors.shape[1])
        means = faiss.Kmeans(
            vectors.shape[1],
            self._cells,
            niter=8,
            spherical=True,
            seed=seed,
            min_points_per_centroid=1,
            max_points_per_centroid=_TRAINED_ON_PER_CELL,
        )
        means.train(vectors)
        self._quantizer.add(means.centroids)

    def __call__(self, vectors: Vectors, rows: Rows) -> tuple[Rows, Vectors]:
        index = faiss.IndexIVFFlat(self._quantizer, vectors.shape[1], self._cells, faiss.METRIC_INNER_PRODUCT)
        index.nprobe = PROBES
        index.add(vectors)
        return _others(index.search(np.ascontiguousarray(vectors[rows]), 2), rows)


def _others(searched: tuple[Vectors, Rows], rows: Rows) -> tuple[Rows, Vectors]:
    """The first of two finds that is not the row itself."""
    similarities, found = searched
    column = (found[:, 0] == rows).astype(np.int64)
    at = np.arange(len(rows))
    nearest, similarity = found[at, column], similarities[at, column]
    return nearest, np.where(nearest < 0, -np.inf, similarity).astype(np.float32)
