import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.methods.reward import Reward, is_enough, mean_of_scored

values = st.lists(st.none() | st.floats(-10, 10), min_size=1, max_size=12)


def test_the_mean_is_over_what_is_scored() -> None:
    assert mean_of_scored([1.0, None, 0.0, 0.5]) == Reward(0.5, unscored=1, parts=4)


@pytest.mark.parametrize(
    ("given_values", "share", "value"),
    [
        ([1.0, None], 0.5, 1.0),
        ([1.0, None], 0.6, None),
        ([1.0, None, None], 0.5, None),
        ([1.0, None, None], 0.0, 1.0),
        ([None, None], 0.0, None),
        ([0.0, 0.0], 1.0, 0.0),
    ],
)
def test_too_little_that_is_scored_is_none_and_not_zero(
    given_values: list[float | None], share: float, value: float | None
) -> None:
    assert mean_of_scored(given_values, share).value == value


def test_a_share_that_is_written_as_a_fraction_is_reached_by_it() -> None:
    assert 0.07 * 100 > 7
    assert is_enough(7, 100, 0.07)


@settings(deadline=None)
@given(values, st.randoms())
def test_the_order_is_of_no_account(given_values: list[float | None], random: Random) -> None:
    shuffled = list(given_values)
    random.shuffle(shuffled)
    assert mean_of_scored(shuffled) == mean_of_scored(given_values)


@settings(deadline=None)
@given(values)
def test_a_mean_lies_among_its_values(given_values: list[float | None]) -> None:
    reward, scored = mean_of_scored(given_values, 0.0), [value for value in given_values if value is not None]
    assert reward.unscored == len(given_values) - len(scored)
    if scored:
        assert reward.value is not None
        assert min(scored) - 1e-12 <= reward.value <= max(scored) + 1e-12
    else:
        assert reward.value is None


@pytest.mark.parametrize(
    ("value", "unscored", "parts"), [(math.nan, 0, 1), (math.inf, 0, 1), (0.0, 2, 1), (0.0, -1, 1)]
)
def test_what_is_no_reward(value: float, unscored: int, parts: int) -> None:
    with pytest.raises(ValueError, match=r"is None|cannot be unscored"):
        Reward(value, unscored, parts)


def test_no_values_and_no_share_are_errors() -> None:
    with pytest.raises(ValueError, match="no values"):
        mean_of_scored([])
    with pytest.raises(ValueError, match=r"not in \[0, 1\]"):
        mean_of_scored([1.0], 1.5)
