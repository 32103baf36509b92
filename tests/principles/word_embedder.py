"""A word-count embedder for tests that need nearness without a model."""

import re
import zlib
from collections.abc import Sequence

import numpy as np

from principles.embedding import Vectors, normalised

WIDTH = 512


def embed_words(texts: Sequence[str]) -> Vectors:
    """Counts of hashed words, unit length: texts with the same words are near."""
    counts = np.zeros((len(texts), WIDTH), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in re.findall(r"[a-z]+", text.lower()):
            counts[row, zlib.crc32(word.encode()) % WIDTH] += 1.0
    return normalised(counts)
