from itertools import pairwise

import numpy as np
import pytest

from principles.corpus import Corpus, load_corpus
from principles.embedding import Vectors
from principles.index import PRIOR, PrincipleIndex, every_scenario, informed_rows, principle_text, relevance
from principles.scenario import Exemplar, Turn
from principles.schema import Scenario
from tests.principles.word_embedder import WIDTH, embed_words

CHOKING = Scenario(urgency="emergent", uncertainty="none", expertise="lay", task_type="triage")
TRAVEL = Scenario(urgency="non_emergent", uncertainty="reducible", expertise="lay", task_type="information")


def exemplar(text: str, *principles: str) -> Exemplar:
    return Exemplar(messages=(Turn(role="user", content=text),), scenario=TRAVEL, principles=principles)


def index_of(corpus: Corpus, *exemplars: Exemplar) -> PrincipleIndex:
    return PrincipleIndex(corpus, embed_words, exemplars, embed_words([item.text for item in exemplars]))


@pytest.fixture(scope="module")
def plain() -> PrincipleIndex:
    """An index whose exemplars cite nothing, so that principles are found by their text."""
    return index_of(load_corpus(), exemplar("zebra"), exemplar("quagga"))


def ids(found: list[tuple[int, float]]) -> list[str]:
    return [load_corpus().principles[row].id for row, _ in found]


def test_every_combination_of_the_four_dimensions_has_an_entry() -> None:
    scenarios = list(every_scenario())
    assert len(scenarios) == len(set(scenarios)) == 3 * 3 * 2 * 8


def test_a_principle_is_found_by_its_own_text(plain: PrincipleIndex) -> None:
    text = principle_text(load_corpus().by_id("urgency.choking"))
    assert ids(plain.search(embed_words([text])[0], CHOKING, 3))[0] == "urgency.choking"


def test_only_admitted_principles_are_found(plain: PrincipleIndex) -> None:
    corpus = load_corpus()
    vector = embed_words([principle_text(corpus.by_id("urgency.choking"))])[0]
    rows = [row for row, _ in plain.search(vector, TRAVEL, 119)]
    assert sorted(rows) == list(corpus.admitted(TRAVEL))


def test_search_agrees_with_a_matrix_product(plain: PrincipleIndex) -> None:
    corpus = load_corpus()
    texts: Vectors = embed_words([principle_text(principle) for principle in corpus.principles])
    query = embed_words(["which vaccines and malaria tablets before travel"])[0]
    centre = embed_words(["zebra", "quagga"]).mean(axis=0)
    values = PRIOR * (texts - texts.mean(axis=0)) @ (query - centre)
    expected = sorted((-float(values[row]), row) for row in corpus.admitted(TRAVEL))[:8]
    found = plain.search(query, TRAVEL, 8)
    assert [value for _, value in found] == pytest.approx([-value for value, _ in expected], abs=1e-5)


def test_an_exemplar_draws_the_principles_it_cites() -> None:
    question = "my zebra coughs"
    cited = exemplar(question, "task_type.travel-vaccines")
    others = [exemplar(text, "uncertainty.tiredness") for text in ("quagga", "okapi", "gnu")]
    found = index_of(load_corpus(), cited, *others).search(embed_words([question])[0], TRAVEL, 1)
    assert ids(found) == ["task_type.travel-vaccines"]


def test_rows_without_data_are_the_prior_and_with_much_data_the_relevance() -> None:
    texts = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], dtype=np.float32)
    axes = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]], dtype=np.float32)
    relevant = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]], dtype=np.float32)
    rows = informed_rows(texts, 100 * axes, relevant)
    assert rows[2] == pytest.approx([PRIOR / 3, PRIOR / 3, 0.0], abs=1e-6)
    assert 100 * rows[0, :2] == pytest.approx([0.5, 0.0], abs=1e-2)
    assert rows[:, 2] == pytest.approx([0.25, 0.25, 0.0])


def test_relevance_ignores_principles_of_another_corpus() -> None:
    corpus = load_corpus()
    table = relevance(corpus, [exemplar("a", "urgency.choking", "urgency.of-another-set"), exemplar("b")])
    assert table.shape == (2, len(corpus))
    assert table.sum() == 1.0
    assert table[0, corpus.principles.index(corpus.by_id("urgency.choking"))] == 1.0


def test_equal_similarities_keep_corpus_order(plain: PrincipleIndex) -> None:
    centre = embed_words(["zebra", "quagga"]).mean(axis=0)
    found = plain.search(centre, TRAVEL, 8)
    assert all(earlier[0] < later[0] for earlier, later in pairwise(found))


def test_when_nothing_is_asked_nothing_is_found(plain: PrincipleIndex) -> None:
    assert plain.search(np.zeros(WIDTH, dtype=np.float32), TRAVEL, 0) == []
