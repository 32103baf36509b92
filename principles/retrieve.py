"""Owns retrieval: a conversation in, its scenario and the principles that bear on it out.

Invariant: every hit is admitted by the scenario; calls share nothing that changes, so threads may share a Retriever.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from principles.corpus import Corpus, load_corpus
from principles.embedding import BundledEmbedder, Embedder
from principles.index import PrincipleIndex
from principles.query import Message, render
from principles.scenario import ScenarioClassifier, load_exemplars
from principles.schema import Dimension, Principle, Scenario
from principles.topic import HEALTH_THRESHOLD, TopicClassifier, build_topic

TOP_K = 8


@dataclass(frozen=True)
class Hit:
    """One retrieved principle and its similarity to the conversation: an inner product, comparable within one query."""

    principle: Principle
    similarity: float


@dataclass(frozen=True)
class Retrieval:
    """What was found, how sure the scenario is, what it cost, and how much it is about health (0 to 1)."""

    scenario: Scenario
    confidence: Mapping[Dimension, float]
    hits: tuple[Hit, ...]
    embed_ms: float
    search_ms: float
    health: float = 1.0
    topic_ms: float = 0.0

    @property
    def is_health(self) -> bool:
        """Whether the loop should see to it; False for talk, which may go to the engine as it is."""
        return self.health >= HEALTH_THRESHOLD


class Retriever:
    """Scenario, principles and topic of a conversation, in process."""

    def __init__(self, corpus: Corpus, embed: Embedder, classifier: ScenarioClassifier, topic: TopicClassifier) -> None:
        self.topic = topic
        self._principles = corpus.principles
        self._embed = embed
        self._classifier = classifier
        self._index = PrincipleIndex(corpus, embed, classifier.exemplars, classifier.vectors)

    def over(self, corpus: Corpus) -> Retriever:
        """The same search over another corpus, all of which is embedded anew.

        The encoder quantises a batch as a whole, so a vector kept from an earlier corpus would not quite be the one
        of a fresh start: what is found depends on the corpus alone, and not on how it came about.
        """
        return Retriever(corpus, self._embed, self._classifier, self.topic)

    def retrieve(self, messages: Sequence[Message], top_k: int = TOP_K) -> Retrieval:
        """At most `top_k` principles, most similar first.

        `topic_ms` may hold further embedding; `search_ms` covers scenario, admission and search.
        """
        began = time.perf_counter()
        vector = self._embed([render(messages)])[0]
        embedded = time.perf_counter()
        health = self.topic.health(messages, vector)
        judged = time.perf_counter()
        found = self._classifier.classify(vector)
        rows = self._index.search(vector, found.scenario, top_k)
        hits = tuple(Hit(self._principles[row], similarity) for row, similarity in rows)
        ended = time.perf_counter()
        embed_ms, topic_ms, search_ms = (
            1000 * seconds for seconds in (embedded - began, judged - embedded, ended - judged)
        )
        return Retrieval(found.scenario, found.confidence, hits, embed_ms, search_ms, health, topic_ms)


def build_retriever(corpus: Corpus | None = None, embed: Embedder | None = None) -> Retriever:
    """The project's corpus, exemplars and bundled encoder, unless given others."""
    embedder = embed if embed is not None else BundledEmbedder()
    chosen = corpus if corpus is not None else load_corpus()
    classifier = ScenarioClassifier(load_exemplars(), embedder)
    return Retriever(chosen, embedder, classifier, build_topic(classifier, embedder))
