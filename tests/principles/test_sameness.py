import numpy as np

from principles.embedding import normalised
from principles.sameness import groups_of_same, nearest_of

VECTORS = normalised(np.array([[1, 0, 0], [1, 0.2, 0], [0, 1, 0], [1, 0, 0]]))


def test_a_principle_joins_the_nearest_group_of_its_polarity() -> None:
    assert groups_of_same(VECTORS, ["do", "do", "do", "avoid"], 0.9) == [[0, 1], [2], [3]]
    assert groups_of_same(VECTORS, ["do"] * 4, 0.9) == [[0, 1, 3], [2]]
    assert groups_of_same(VECTORS, ["do"] * 4, 0.999) == [[0, 3], [1], [2]]


def test_the_nearest_is_of_the_same_polarity_or_none() -> None:
    found = nearest_of(VECTORS[:2], ["do", "avoid"], VECTORS[1:3], ["do", "do"])
    assert found[0] is not None
    assert found[0][0] == 0
    assert round(found[0][1], 2) == 0.98
    assert found[1] is None
