from itertools import pairwise

import numpy as np
import pytest

from principles.corpus import load_corpus
from principles.index import PrincipleIndex, every_scenario, principle_text
from principles.schema import Scenario
from tests.principles.word_embedder import embed_words

CHOKING = Scenario(urgency="emergent", uncertainty="none", expertise="lay", task_type="triage")
TRAVEL = Scenario(urgency="non_emergent", uncertainty="reducible", expertise="lay", task_type="information")


@pytest.fixture(scope="module")
def index() -> PrincipleIndex:
    return PrincipleIndex(load_corpus(), embed_words)


def test_every_combination_of_the_four_dimensions_has_an_entry() -> None:
    scenarios = list(every_scenario())
    assert len(scenarios) == len(set(scenarios)) == 3 * 3 * 2 * 8


def test_a_principle_is_most_similar_to_its_own_text(index: PrincipleIndex) -> None:
    corpus = load_corpus()
    row = corpus.principles.index(corpus.by_id("urgency.choking"))
    found = index.search(embed_words([principle_text(corpus.principles[row])])[0], CHOKING, 3)
    assert found[0][0] == row
    assert found[0][1] == pytest.approx(1.0, abs=1e-5)


def test_only_admitted_principles_are_found(index: PrincipleIndex) -> None:
    corpus = load_corpus()
    vector = embed_words([principle_text(corpus.by_id("urgency.choking"))])[0]
    rows = [row for row, _ in index.search(vector, TRAVEL, 119)]
    assert sorted(rows) == list(corpus.admitted(TRAVEL))


def test_search_agrees_with_a_matrix_product(index: PrincipleIndex) -> None:
    corpus = load_corpus()
    vectors = embed_words([principle_text(principle) for principle in corpus.principles])
    query = embed_words(["which vaccines and malaria tablets before travel"])[0]
    expected = sorted((-float(vectors[row] @ query), row) for row in corpus.admitted(TRAVEL))[:8]
    found = index.search(query, TRAVEL, 8)
    assert [row for row, _ in found] == [row for _, row in expected]
    assert [value for _, value in found] == pytest.approx([-value for value, _ in expected], abs=1e-5)


def test_equal_similarities_keep_corpus_order(index: PrincipleIndex) -> None:
    found = index.search(np.zeros(512, dtype=np.float32), TRAVEL, 8)
    assert all(earlier[0] < later[0] for earlier, later in pairwise(found))


def test_nothing_is_asked_nothing_is_found(index: PrincipleIndex) -> None:
    assert index.search(embed_words(["cough"])[0], TRAVEL, 0) == []
