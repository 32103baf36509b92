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
from principles.scenario import Exemplar
from principles.schema import Expertise, Principle, Scenario, TaskType, Uncertainty, Urgency

RIDGE = 0.5
PRIOR = 3.0

# The stubs describe the C++ signatures; the Python wrappers take arrays and keywords.
faiss: Any = untyped_faiss


def principle_text(principle: Principle) -> str:
    """What stands for a principle in the embedding space."""
    return f"{principle.title}. {principle.statement}"


class PrincipleIndex:
    """Exact search; at this size it takes some hundredths of a millisecond."""

    def __init__(self, corpus: Corpus, embed: Embedder, exemplars: Sequence[Exemplar], vectors: Vectors) -> None:
        """`vectors` are the exemplars' own, of shape (exemplars, dimension)."""
        texts = embed([principle_text(principle) for principle in corpus.principles])
        self._mean = vectors.mean(axis=0)
        rows = informed_rows(texts, vectors - self._mean, relevance(corpus, exemplars))
        self._index = faiss.IndexFlatIP(rows.shape[1])
        self._index.add(rows)
        self._admitted = {scenario: corpus.admitted(scenario) for scenario in every_scenario()}
        self._bitmaps = {scenario: _bitmap(admitted, len(corpus)) for scenario, admitted in self._admitted.items()}

    def search(self, vector: Vectors, scenario: Scenario, top_k: int) -> list[tuple[int, float]]:
        """The best `top_k` of the rows that the scenario admits, as (row, similarity), most similar first.

        `vector` has shape (dimension,) and unit length.
        """
        count = min(top_k, len(self._admitted[scenario]))
        if count <= 0:
            return []
        selector = faiss.IDSelectorBitmap(self._bitmaps[scenario])
        parameters = faiss.SearchParameters(sel=selector)
        query = np.append(vector - self._mean, np.float32(1.0))[np.newaxis]
        similarities, rows = self._index.search(query, count, params=parameters)
        found = [(int(row), float(value)) for row, value in zip(rows[0], similarities[0], strict=True)]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def informed_rows(texts: Vectors, centred: Vectors, relevant: Vectors) -> Vectors:
    """Index rows of shape (principles, dimension + 1) from principle texts, exemplars and which fits which.

    Ridge regression of relevance on the exemplars' vectors with the principle's own text as prior mean, and its share
    of the exemplars as last coordinate. A principle that no exemplar cites keeps its text alone.
    """
    prior = PRIOR * (texts - texts.mean(axis=0))
    share = relevant.mean(axis=0)
    gram = centred @ centred.T + RIDGE * np.eye(len(centred), dtype=np.float32)
    residual = (relevant - share) - centred @ prior.T
    fitted = prior + np.linalg.solve(gram, residual).T @ centred
    rows = np.where((share > 0)[:, np.newaxis], fitted, prior)
    return np.ascontiguousarray(np.column_stack([rows, share]), dtype=np.float32)


def relevance(corpus: Corpus, exemplars: Sequence[Exemplar]) -> Vectors:
    """1 where an exemplar cites a principle of this corpus, else 0; shape (exemplars, principles)."""
    cited = [set(exemplar.principles) for exemplar in exemplars]
    return np.array([[p.id in ids for p in corpus.principles] for ids in cited], dtype=np.float32)


def every_scenario() -> Iterator[Scenario]:
    """All combinations of the four closed vocabularies."""
    names = tuple(Scenario.model_fields)
    for values in product(*map(get_args, (Urgency, Uncertainty, Expertise, TaskType))):
        yield Scenario.model_validate(dict(zip(names, values, strict=True)))


def _bitmap(rows: Sequence[int], size: int) -> npt.NDArray[np.uint8]:
    chosen = np.zeros(size, dtype=np.uint8)
    chosen[list(rows)] = 1
    return np.packbits(chosen, bitorder="little")
