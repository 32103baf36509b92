"""Figures of sums: equal to the plain ones, with intervals and tests that mean what they say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.pooled import Pooled, clipped_mean_of, interval, mean_of, micro_f1, paired
from training.evaluation.statistics import bootstrap_mean

values = st.lists(st.one_of(st.none(), st.floats(-2, 2)), min_size=1, max_size=12)


@given(values)
def test_a_mean_is_of_what_is_scored(scores: list[float | None]) -> None:
    scored = [score for score in scores if score is not None]
    found = mean_of(scores).value
    assert found == pytest.approx(sum(scored) / len(scored)) if scored else math.isnan(found)


@given(values)
def test_a_clipped_mean_is_clipped_as_a_whole(scores: list[float | None]) -> None:
    plain, clipped = mean_of(scores).value, clipped_mean_of(scores).value
    assert math.isnan(clipped) if math.isnan(plain) else clipped == min(1.0, max(0.0, plain))


def test_micro_f1_pools_counts_and_has_no_meaning_without_any() -> None:
    counts = np.array([[2.0, 1.0, 0.0], [0.0, 0.0, 3.0], [1.0, 0.0, 0.0]])
    assert Pooled(counts, micro_f1).value == pytest.approx(6 / (6 + 1 + 3))
    assert math.isnan(Pooled(np.zeros((2, 3)), micro_f1).value)


def test_an_interval_is_that_of_the_plain_bootstrap() -> None:
    scores = list(np.random.default_rng(0).normal(0.5, 0.2, 200))
    ours, plain = interval(mean_of(scores)), bootstrap_mean(scores)
    assert ours.mean == pytest.approx(plain.mean)
    assert ours.low == pytest.approx(plain.low, abs=0.004)
    assert ours.high == pytest.approx(plain.high, abs=0.004)
    assert ours.n == 200


def test_repeats_of_a_cluster_do_not_narrow_its_interval() -> None:
    scores = list(np.random.default_rng(1).normal(0.5, 0.2, 60))
    once = interval(mean_of(scores))
    repeated = interval(
        mean_of([score for score in scores for _ in range(4)]), [str(n) for n in range(60) for _ in "abcd"]
    )
    assert repeated.low == pytest.approx(once.low, abs=0.006)
    assert repeated.high == pytest.approx(once.high, abs=0.006)


def test_a_paired_difference_ignores_what_both_share() -> None:
    generator = np.random.default_rng(2)
    hardness = generator.normal(0, 1, 80)
    better = paired(mean_of(list(hardness + 0.1)), mean_of(list(hardness)))
    assert better.interval.mean == pytest.approx(0.1)
    assert better.interval.low == pytest.approx(0.1)
    assert better.p_value == pytest.approx(1 / 10_001, abs=1e-6)


def test_sides_that_differ_by_chance_have_a_large_p_value() -> None:
    generator = np.random.default_rng(3)
    first, second = generator.normal(0, 1, 80), generator.normal(0, 1, 80)
    found = paired(mean_of(list(first)), mean_of(list(second)))
    assert found.p_value > 0.05
    assert found.interval.low < 0 < found.interval.high


def test_the_test_is_exact_where_every_exchange_can_be_counted() -> None:
    found = paired(mean_of([1.0, 1.0, 1.0, 1.0]), mean_of([0.0, 0.0, 0.0, 0.0]))
    assert found.p_value == pytest.approx(2 / 16, abs=0.01)


@given(st.permutations(range(8)))
def test_the_order_of_samples_does_not_move_a_figure(order: list[int]) -> None:
    scores = [0.1, 0.9, None, 0.4, 0.4, None, 1.0, 0.0]
    assert mean_of([scores[place] for place in order]).value == pytest.approx(mean_of(scores).value)


def test_what_cannot_be_paired_or_resampled_is_refused() -> None:
    with pytest.raises(ValueError, match="2 samples cannot be paired with 1"):
        paired(mean_of([1.0, 0.0]), mean_of([1.0]))
    with pytest.raises(ValueError, match="no samples"):
        interval(mean_of([]))
    with pytest.raises(ValueError, match="1 clusters for 2 samples"):
        interval(mean_of([1.0, 0.0]), ["a"])
