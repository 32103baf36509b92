import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.methods.absolute import absolute_reward
from training.methods.advantages import standardised
from training.methods.reward import Reward


def test_the_mean_of_four_over_five() -> None:
    """PulseMind's own row of absolute scores: 3.92, 4.47, 4.26, 4.763, on average 4.35."""
    assert absolute_reward([3.92, 4.47, 4.26, 4.763]).value == pytest.approx(4.35 / 5, abs=1e-3)
    assert absolute_reward([1, 2, 3, 4]).value == pytest.approx(0.5)
    assert absolute_reward([5, 5, 5, 5]).value == 1.0
    # Equal means are equal to the last bit, whatever they are the mean of.
    assert absolute_reward([1, 1, 2, 2]).value == absolute_reward([3, 1, 1, 1]).value == 0.3
    assert absolute_reward([1, 1, 1, 1]).value == pytest.approx(0.2)


def test_an_unreadable_score_is_not_the_lowest() -> None:
    assert absolute_reward([5, None, 5, 5]) == Reward(1.0, unscored=1, parts=4)
    assert absolute_reward([5, None, None, 5]).value == 1.0
    assert absolute_reward([5, None, None, None]) == Reward(None, unscored=3, parts=4)
    assert absolute_reward([5, None, None, 5], minimum_share=0.75).value is None


@pytest.mark.parametrize("score", [0, 5.5, -1, float("nan")])
def test_a_score_off_the_scale_is_an_error(score: float) -> None:
    with pytest.raises(ValueError, match="outside 1 to 5"):
        absolute_reward([3, 3, 3, score])


def test_every_dimension_has_a_place() -> None:
    with pytest.raises(ValueError, match="3 scores for 4 dimensions"):
        absolute_reward([3, 3, 3])


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(1, 5), min_size=4, max_size=4), min_size=2, max_size=8))
def test_the_scale_is_of_no_account_once_standardised(scores_GD: list[list[int]]) -> None:
    rewards = [absolute_reward(scores_D).value for scores_D in scores_GD]
    sums = [float(sum(scores_D)) for scores_D in scores_GD]
    assert standardised(rewards, epsilon=0.0) == pytest.approx(standardised(sums, epsilon=0.0), abs=1e-9)
