"""A word-count embedder for tests that need nearness without a model."""

import re
import zlib
from collections.abc import Sequence

import numpy as np

from principles.embedding import Vectors, normalised

WIDTH = 256


class WordVectors:
    """Counts of hashed words, unit length; remembers how many texts it was given."""

    def __init__(self) -> None:
        self.texts = 0

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.texts += len(texts)
        counts = np.zeros((len(texts), WIDTH), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"[a-z]+", text.lower()):
                counts[row, zlib.crc32(word.encode()) % WIDTH] += 1.0
        return normalised(counts)
