"""Medians and their order-statistic intervals, against tables and by simulation."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.reports.medians import FEWEST, median_interval


@pytest.mark.parametrize(("n", "low"), [(6, 1), (8, 1), (9, 2), (12, 3), (20, 6), (50, 18), (100, 40)])
def test_ranks_are_those_of_the_sign_test(n: int, low: int) -> None:
    """Of 1 to n: critical values of the two-sided sign test at 5%, plus one."""
    found = median_interval([float(value) for value in range(n, 0, -1)])
    assert (found.low, found.high, found.n) == (low, n + 1 - low, n)
    assert found.mean == (n + 1) / 2


def test_few_values_have_a_median_and_no_bounds() -> None:
    few = median_interval([3.0, 1.0, 2.0])
    assert (few.mean, few.n) == (2.0, 3)
    assert math.isnan(few.low)
    assert math.isnan(median_interval([1.0] * (FEWEST - 1)).high)
    assert math.isnan(median_interval([]).mean)


def test_the_interval_covers_the_median_at_least_as_often_as_it_says() -> None:
    generator = random.Random(1)
    intervals = [median_interval([generator.expovariate(1.0) for _ in range(25)]) for _ in range(1000)]
    assert sum(found.low <= math.log(2) <= found.high for found in intervals) / 1000 >= 0.94


@given(st.lists(st.floats(-1e6, 1e6), min_size=FEWEST, max_size=60), st.randoms())
def test_order_does_not_matter_and_the_median_lies_within(values: list[float], generator: random.Random) -> None:
    found = median_interval(values)
    assert found.low <= found.mean <= found.high
    shuffled = list(values)
    generator.shuffle(shuffled)
    assert median_interval(shuffled) == found
