"""Owns the vector index over a corpus: inner-product search with FAISS among the principles that a scenario admits.

Invariant: row i of the index is principle i of the corpus; equal similarities come out in corpus order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, get_args

import faiss as untyped_faiss
import numpy as np
import numpy.typing as npt

from principles.corpus import Corpus
from principles.embedding import Embedder, Vectors
from principles.schema import Expertise, Principle, Scenario, TaskType, Uncertainty, Urgency

# The stubs describe the C++ signatures; the Python wrappers take arrays and keywords.
faiss: Any = untyped_faiss


def principle_text(principle: Principle) -> str:
    """What stands for a principle in the embedding space."""
    return f"{principle.title}. {principle.statement}"


class PrincipleIndex:
    """Exact search; at this size it takes some hundredths of a millisecond."""

    def __init__(self, corpus: Corpus, embed: Embedder) -> None:
        vectors = embed([principle_text(principle) for principle in corpus.principles])
        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(vectors)
        self._admitted = {scenario: corpus.admitted(scenario) for scenario in every_scenario()}
        self._bitmaps = {scenario: _bitmap(rows, len(corpus)) for scenario, rows in self._admitted.items()}

    def search(self, vector: Vectors, scenario: Scenario, top_k: int) -> list[tuple[int, float]]:
        """The best `top_k` of the rows that the scenario admits, as (row, similarity), most similar first.

        `vector` has shape (dimension,) and unit length, so a similarity is a cosine.
        """
        count = min(top_k, len(self._admitted[scenario]))
        if count <= 0:
            return []
        selector = faiss.IDSelectorBitmap(self._bitmaps[scenario])
        parameters = faiss.SearchParameters(sel=selector)
        similarities, rows = self._index.search(vector[np.newaxis], count, params=parameters)
        found = [(int(row), float(value)) for row, value in zip(rows[0], similarities[0], strict=True)]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def every_scenario() -> Iterator[Scenario]:
    """All combinations of the four closed vocabularies."""
    names = tuple(Scenario.model_fields)
    for values in product(*map(get_args, (Urgency, Uncertainty, Expertise, TaskType))):
        yield Scenario.model_validate(dict(zip(names, values, strict=True)))


def _bitmap(rows: Sequence[int], size: int) -> npt.NDArray[np.uint8]:
    chosen = np.zeros(size, dtype=np.uint8)
    chosen[list(rows)] = 1
    return np.packbits(chosen, bitorder="little")
