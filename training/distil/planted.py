"""Owns criteria made up to measure clustering at size: vectors with planted clusters, spread as real criteria are.

Invariant: seeded; sizes follow a power law (most clusters are small, two in five are alone), as principles' do.
"""

import numpy as np

from principles.embedding import Vectors, normalised
from training.distil.linkage import Labels

KEPT = 0.7
_EXPONENT = 2.0
_LARGEST = 400


def planted(like: Vectors, count: int, seed: int) -> tuple[Vectors, Labels]:
    """Unit vectors (count, width) and their clusters.

    Centres and the deviations from them have the covariance of ``like`` (n, width); ``KEPT`` of the variance is the
    centre's, which is the mean cosine to expect within a cluster.
    """
    generator = np.random.default_rng(seed)
    sizes: list[int] = []
    while sum(sizes) < count:
        sizes.append(int(min(generator.zipf(_EXPONENT), _LARGEST, count - sum(sizes))))
    labels = np.repeat(np.arange(len(sizes)), sizes)
    generator.shuffle(labels)
    mean = like.mean(axis=0)
    centred = like - mean
    centres = _drawn(generator, len(sizes), centred)
    vectors = np.empty((count, like.shape[1]), dtype=np.float32)
    for start in range(0, count, 8_192):
        part = labels[start : start + 8_192]
        own = _drawn(generator, len(part), centred)
        vectors[start : start + len(part)] = mean + np.sqrt(KEPT) * centres[part] + np.sqrt(1 - KEPT) * own
    return normalised(vectors), labels


def _drawn(generator: np.random.Generator, count: int, centred: Vectors) -> Vectors:
    weights = generator.standard_normal((count, len(centred)), dtype=np.float32)
    drawn: Vectors = weights @ centred / np.float32(np.sqrt(len(centred)))
    return drawn
