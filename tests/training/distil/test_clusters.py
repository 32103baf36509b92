import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from principles.embedding import normalised
from tests.training.distil.word_vectors import WordVectors
from training.distil.clusters import cluster_criteria, representatives
from training.distil.criteria import Asked, collect
from training.distil.settings import Clustering

ASKED = [
    Asked("Asks when the headache began", 5, None, "q1"),
    Asked("Asks when the headache really began", 5, None, "q2"),
    Asked("Names a dose of ibuprofen", 3, None, "q1"),
    Asked("Names a dose of ibuprofen", -3, None, "q3"),
]


def test_alike_criteria_share_a_cluster_and_opposite_signs_never_do() -> None:
    criteria = collect(ASKED)
    found = cluster_criteria(criteria, WordVectors()([c.text for c in criteria]), Clustering(threshold=0.3), 2)
    assert [(c.support, len(c.criteria)) for c in found] == [(2, 2), (1, 1), (1, 1)]
    assert {c.criteria[0].sign for c in found[1:]} == {1, -1}
    assert set(found[0].questions) == {"q1", "q2"}
    assert len({cluster.id for cluster in found}) == 3


def test_nothing_makes_no_cluster() -> None:
    assert cluster_criteria((), np.empty((0, 4), dtype=np.float32), Clustering(), 2) == ()


def test_examples_are_the_middle_and_the_spread() -> None:
    vectors = normalised(np.array([[1, 0.9], [1, 0.1], [1, 0], [1, -0.1], [1, -0.5]]))
    assert representatives(vectors, 3) == [2, 1, 0, 3, 4]
    assert representatives(vectors, 2) == [2, 0, 1, 3, 4]


@given(st.integers(1, 12), st.integers(1, 15), st.integers(0, 99))
def test_representatives_are_all_rows_once(count: int, shown: int, seed: int) -> None:
    vectors = normalised(np.random.default_rng(seed).standard_normal((count, 3)))
    assert sorted(representatives(vectors, shown)) == list(range(count))
