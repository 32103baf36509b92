import pytest

from loadtest.stats import mean, median, paired_ratio, share


def test_the_ratios_of_known_pairs() -> None:
    ratio = paired_ratio([2.0, 6.0, 4.0], [1.0, 2.0, 5.0])
    assert ratio is not None
    assert ratio.n == 3
    assert ratio.ratio_of_means == pytest.approx(12 / 8)
    assert ratio.mean_of_ratios == pytest.approx((2 + 3 + 0.8) / 3)
    assert ratio.median_of_ratios == pytest.approx(2.0)


def test_a_constant_ratio_has_an_interval_without_width() -> None:
    ratio = paired_ratio([1.5, 3.0, 6.0], [1.0, 2.0, 4.0])
    assert ratio is not None
    assert ratio.interval_95 == pytest.approx((1.5, 1.5))


def test_the_interval_is_that_of_all_resamples_of_two_pairs() -> None:
    # Four equally likely resamples: the first pair twice (1/1), both (4/2, two ways), the second twice (3/1).
    ratio = paired_ratio([1.0, 3.0], [1.0, 1.0])
    assert ratio is not None
    assert ratio.interval_95 == pytest.approx((1.0, 3.0))


def test_the_interval_of_many_pairs_is_that_of_the_normal_law() -> None:
    # 100 ratios, half 1 and half 2: the mean is 1.5, its standard error 0.05.
    ratio = paired_ratio([1.0, 2.0] * 50, [1.0] * 100, seed=3)
    assert ratio is not None
    assert ratio.interval_95 == pytest.approx((1.5 - 1.96 * 0.05, 1.5 + 1.96 * 0.05), abs=0.015)


def test_the_interval_depends_on_the_seed_alone() -> None:
    over, under = [1.0, 2.5, 3.0, 4.5], [1.0, 2.0, 1.5, 4.0]
    assert paired_ratio(over, under, seed=1) == paired_ratio(over, under, seed=1)


def test_one_pair_has_no_interval_and_none_has_no_ratio() -> None:
    ratio = paired_ratio([3.0], [2.0])
    assert ratio is not None
    assert (ratio.ratio_of_means, ratio.interval_95) == (1.5, None)
    assert paired_ratio([], []) is None


def test_numbers_that_are_not_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="not pairs"):
        paired_ratio([1.0], [1.0, 2.0])


def test_nothing_has_no_mean_no_median_and_no_share() -> None:
    assert (mean([]), median([]), share(0, 0)) == (None, None, None)
    assert (mean([1, 2, 6]), median([1, 2, 6]), share(1, 4)) == (3.0, 2.0, 0.25)
