"""Owns the space in which criteria are compared: less their mean, on their principal components, at unit length.

Invariant: the same vectors give the same space. Sentence encoders put every text near one direction; less the mean, a
cosine of 0 says that two criteria have nothing more in common than any two.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh

from principles.embedding import Vectors, normalised

FITTED_ON = 16_384
_CHUNK = 8_192


def reduced(vectors: npt.NDArray[np.floating[Any]], dimensions: int, seed: int = 0) -> Vectors:
    """Unit rows of shape (n, at most ``dimensions``), by principal components of up to ``FITTED_ON`` of the rows."""
    count, width = vectors.shape
    if count < 3:
        return normalised(vectors)
    chosen = np.sort(np.random.default_rng(seed).permutation(count)[:FITTED_ON])
    fitted = vectors[chosen].astype(np.float32)
    mean = fitted.mean(axis=0)
    fitted -= mean
    axes = _components(fitted, min(dimensions, width, len(chosen) - 1))
    parts = [
        normalised((vectors[start : start + _CHUNK].astype(np.float32) - mean) @ axes)
        for start in range(0, count, _CHUNK)
    ]
    return np.concatenate(parts)


def _components(centred: Vectors, count: int) -> Vectors:
    """The first principal axes (width, count) of centred rows: eigenvectors of the smaller product matrix."""
    rows, width = centred.shape
    wide = rows < width
    product = centred @ centred.T if wide else centred.T @ centred
    last = min(rows, width) - 1
    _, vectors = eigh(product, subset_by_index=[last + 1 - count, last], overwrite_a=True, check_finite=False)
    axes = centred.T @ vectors if wide else vectors
    return np.ascontiguousarray(normalised(axes.T).T)
