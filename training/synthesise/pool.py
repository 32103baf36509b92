"""Owns step 2: the principles offered for a query, the most similar of those that its scenario admits.

Invariant: the same encoder, classifier and index as the gateway's, so training sees what serving will.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from principles.corpus import Corpus
from principles.embedding import BundledEmbedder, Vectors
from principles.index import PrincipleIndex
from principles.query import render
from principles.retrieve import Hit
from principles.scenario import ScenarioClassifier, load_exemplars
from principles.schema import Scenario
from service.revision.prompts import Message


@dataclass(frozen=True, slots=True)
class Placed:
    """A query in the embedding space, of shape (dimension,), with the scenario that its neighbours there have."""

    vector: Vectors
    scenario: Scenario


class Pool:
    """Places queries, and finds principles for them; a few milliseconds each, in process."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._embed = BundledEmbedder()
        self._classifier = ScenarioClassifier(load_exemplars(), self._embed)
        self._index = PrincipleIndex(corpus, self._embed, self._classifier.exemplars, self._classifier.vectors)

    def place(self, messages: Sequence[Message]) -> Placed:
        """Embed a conversation and classify it."""
        vector = self._embed([render(messages)])[0]
        return Placed(vector, self._classifier.classify(vector).scenario)

    def offer(self, vector: Vectors, scenario: Scenario, top_k: int) -> tuple[Hit, ...]:
        """At most ``top_k`` principles, most similar first; none where the scenario admits none."""
        found = self._index.search(vector, scenario, top_k)
        return tuple(Hit(self._corpus.principles[row], similarity) for row, similarity in found)
