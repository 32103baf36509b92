import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from principles.embedding import normalised
from training.distil.partition_scores import partition_scores, silhouette

labels = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30)


def test_a_worked_example() -> None:
    """Counts [[2, 1], [0, 3]]: purity 5/6; the pairs together in both are 1 + 3, expected 6 * 7 / 15."""
    scores = partition_scores([0, 0, 0, 1, 1, 1], "aabbbb")
    assert scores.purity == pytest.approx(5 / 6)
    assert scores.adjusted_rand == pytest.approx((4 - 6 * 7 / 15) / (6.5 - 6 * 7 / 15))
    in_classes = -(1 / 3) * np.log(1 / 3) - (2 / 3) * np.log(2 / 3)
    left = 0.5 * (-(2 / 3) * np.log(2 / 3) - (1 / 3) * np.log(1 / 3))
    assert scores.homogeneity == pytest.approx(1 - left / in_classes)


@given(labels)
def test_names_do_not_matter_and_the_same_partition_is_perfect(pairs: list[tuple[int, int]]) -> None:
    found, truth = [a for a, _ in pairs], [b for _, b in pairs]
    scores = partition_scores(found, truth)
    assert scores == partition_scores([str(9 - a) for a in found], truth)
    assert 0 < scores.purity <= 1
    assert -1e-9 <= scores.v_measure <= 1 + 1e-9
    same = partition_scores(found, found)
    assert (same.purity, same.v_measure, same.adjusted_rand) == pytest.approx((1, 1, 1))


def test_silhouette_of_two_tight_groups_and_one_alone() -> None:
    vectors = normalised([[1, 0], [1, 0], [0, 1]])
    assert silhouette(vectors, [0, 0, 1]) == pytest.approx(2 / 3)
    assert silhouette(vectors, [0, 0, 0]) is None


@pytest.mark.parametrize(("found", "truth"), [([], []), ([1], [1, 2])])
def test_labels_that_do_not_pair_are_refused(found: list[int], truth: list[int]) -> None:
    with pytest.raises(ValueError, match="labels against"):
        partition_scores(found, truth)
