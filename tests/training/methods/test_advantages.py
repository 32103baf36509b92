import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.methods.advantages import Advantages, leave_one_out, mean_only, standardised

VARIANTS = (standardised, mean_only, leave_one_out)
Variant = Callable[[list[float | None]], Advantages]

variants = st.sampled_from(VARIANTS)
# Rewards as rubrics and comparisons give them: multiples of a small fraction, so that differences are not rounding.
reward_values = st.integers(-40, 20).map(lambda n: n / 20)
groups = st.lists(st.none() | reward_values, min_size=1, max_size=10)


def scored(advantages: Advantages) -> list[float]:
    return [advantage for advantage in advantages if advantage is not None]


def test_the_published_example() -> None:
    """PulseMind's rewards with the unbiased deviation: mean .5375, deviation .14930, epsilon 1e-4."""
    assert standardised([0.5, 0.7, 0.35, 0.6]) == pytest.approx([-0.251, 1.088, -1.255, 0.418], abs=5e-4)


def test_by_hand() -> None:
    # Mean 2, squares 1 + 0 + 1 over n - 1 = 2: a deviation of 1.
    assert standardised([1.0, 2.0, 3.0], epsilon=0.0) == (-1.0, 0.0, 1.0)
    assert mean_only([1.0, 2.0, 3.0]) == (-1.0, 0.0, 1.0)
    # 1 - 2.5, 2 - 2, 3 - 1.5.
    assert leave_one_out([1.0, 2.0, 3.0]) == (-1.5, 0.0, 1.5)


def test_an_unscored_rollout_has_no_part_in_the_baseline() -> None:
    assert mean_only([1.0, None, 0.0]) == (0.5, None, -0.5)
    # Zero in its place would make these 2/3 and -1/3.
    assert leave_one_out([1.0, None, 0.0]) == (1.0, None, -1.0)
    assert standardised([1.0, None, 0.0], epsilon=0.0) == pytest.approx((math.sqrt(0.5), None, -math.sqrt(0.5)))


@pytest.mark.parametrize("variant", VARIANTS)
def test_flat_lone_and_skipped_groups(variant: Variant) -> None:
    assert variant([0.1, 0.1, 0.1]) == (0.0, 0.0, 0.0)
    assert variant([0.3, 0.1 + 0.2]) == (0.0, 0.0)
    assert variant([0.7]) == (0.0,)
    assert variant([None, 0.7, None]) == (None, 0.0, None)
    assert variant([None, None]) == (None, None)
    assert variant([]) == ()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_an_error(variant: Variant, value: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        variant([0.5, value])


@settings(deadline=None)
@given(variants, groups)
def test_they_sum_to_zero_and_are_finite(variant: Variant, rewards_G: list[float | None]) -> None:
    advantages_G = variant(rewards_G)
    assert [a is None for a in advantages_G] == [r is None for r in rewards_G]
    assert all(map(math.isfinite, scored(advantages_G)))
    assert math.fsum(scored(advantages_G)) == pytest.approx(0.0, abs=1e-9)


@settings(deadline=None)
@given(variants, groups, st.floats(-5, 5))
def test_a_shift_changes_nothing(variant: Variant, rewards_G: list[float | None], shift: float) -> None:
    shifted = [None if reward is None else reward + shift for reward in rewards_G]
    assert scored(variant(shifted)) == pytest.approx(scored(variant(rewards_G)), abs=1e-9)


@settings(deadline=None)
@given(groups, st.floats(0.01, 100))
def test_a_scale_changes_only_what_has_the_rewards_unit(rewards_G: list[float | None], scale: float) -> None:
    scaled = [None if reward is None else reward * scale for reward in rewards_G]
    without_epsilon = scored(standardised(rewards_G, epsilon=0.0))
    assert scored(standardised(scaled, epsilon=0.0)) == pytest.approx(without_epsilon, abs=1e-9)
    for variant in (mean_only, leave_one_out):
        assert scored(variant(scaled)) == pytest.approx([a * scale for a in scored(variant(rewards_G))], abs=1e-9)


@settings(deadline=None)
@given(variants, groups)
def test_order_is_kept_and_reversal_reverses(variant: Variant, rewards_G: list[float | None]) -> None:
    advantages_G = variant(rewards_G)
    assert variant(rewards_G[::-1]) == advantages_G[::-1]
    ranked = sorted(
        (reward, advantage)
        for reward, advantage in zip(rewards_G, advantages_G, strict=True)
        if reward is not None and advantage is not None
    )
    assert [advantage for _, advantage in ranked] == sorted(scored(advantages_G))


@settings(deadline=None)
@given(groups.filter(lambda rewards_G: len({r for r in rewards_G if r is not None}) > 1))
def test_standardised_ones_have_unit_deviation(rewards_G: list[float | None]) -> None:
    advantages = scored(standardised(rewards_G, epsilon=0.0))
    assert math.fsum(a * a for a in advantages) / (len(advantages) - 1) == pytest.approx(1.0)


@settings(deadline=None)
@given(groups)
def test_left_out_ones_are_the_centred_ones_scaled(rewards_G: list[float | None]) -> None:
    n = sum(reward is not None for reward in rewards_G)
    expected = [a * n / (n - 1) for a in scored(mean_only(rewards_G))] if n > 1 else [0.0] * n
    assert scored(leave_one_out(rewards_G)) == pytest.approx(expected)
