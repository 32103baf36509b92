import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage

from principles.embedding import Vectors, normalised
from training.distil.linkage import average_linkage
from training.distil.partition_scores import partition_scores
from training.distil.planted import planted
from training.distil.settings import Clustering
from training.distil.space import reduced


def drawn(seed: int, count: int, width: int) -> Vectors:
    return normalised(np.random.default_rng(seed).standard_normal((count, width)))


@given(st.integers(0, 10_000), st.integers(2, 60), st.integers(2, 12), st.floats(-0.5, 0.95))
def test_it_is_average_linkage_cut_at_the_threshold(seed: int, count: int, width: int, threshold: float) -> None:
    vectors = drawn(seed, count, width)
    found = average_linkage(vectors, Clustering(threshold=threshold))
    tree = linkage(vectors.astype(np.float64), "average", metric="cosine")
    heights = tree[:, 2]
    if np.abs(heights - (1 - threshold)).min() > 1e-5:
        cut = fcluster(tree, 1 - threshold, "distance")
        assert partition_scores(found.tolist(), cut.tolist()).adjusted_rand == pytest.approx(1.0)


def test_a_chain_of_near_pairs_is_not_one_cluster() -> None:
    angles = np.linspace(0, np.pi, 40)
    vectors = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    assert (vectors[:-1] * vectors[1:]).sum(axis=1).min() > 0.99
    found = average_linkage(vectors, Clustering(threshold=0.8))
    assert found.max() + 1 >= 3


def test_what_is_near_nothing_stays_alone_and_numbers_follow_the_rows() -> None:
    vectors = normalised(np.array([[1, 0, 0], [0, 0, 1], [1, 0.1, 0], [0, 1, 0], [1, -0.1, 0]]))
    assert average_linkage(vectors, Clustering()).tolist() == [0, 1, 0, 2, 0]


def test_many_identical_rows_are_one_cluster_at_once() -> None:
    rounds: list[int] = []
    vectors = np.repeat(drawn(1, 2, 8), 500, axis=0)
    assert average_linkage(vectors, Clustering(threshold=0.99), rounds.append).tolist() == [0] * 500 + [1] * 500
    assert rounds == []


def test_nearby_neighbours_agree_with_all_pairs() -> None:
    vectors, truth = planted(drawn(0, 300, 96) + np.float32(0.2), 4000, seed=3)
    space = reduced(vectors, 64)
    exact = average_linkage(space, Clustering())
    nearby = average_linkage(space, Clustering(exact_below=500))
    assert partition_scores(nearby.tolist(), exact.tolist()).adjusted_rand > 0.98
    assert partition_scores(exact.tolist(), truth.tolist()).adjusted_rand > 0.95


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_rows(count: int) -> None:
    vectors = drawn(0, count, 4)
    assert average_linkage(reduced(vectors, 8), Clustering(threshold=1.0)).tolist() == list(range(count))


def test_the_reduced_space_is_centred_and_keeps_few_components() -> None:
    vectors = normalised(drawn(0, 50, 20) + 1.0)
    space = reduced(vectors, 8)
    assert space.shape == (50, 8)
    assert np.allclose(np.linalg.norm(space, axis=1), 1.0, atol=1e-5)
    assert (vectors @ vectors.T).mean() > 0.4
    assert abs((space @ space.T).mean()) < 0.1


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"threshold": 1.5}, "threshold 1.5 is no cosine"), ({"dimensions": 0}, "must be positive")],
)
def test_settings_that_mean_nothing_are_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Clustering(**changes)  # type: ignore[arg-type]
