"""The slope of Theil and Sen: against lines that are known, and jumps that are no growth."""

import random

import pytest

from loadtest.run.slope import MOST_MEANS, slope


def line(per_second: float, noise: float, count: int = 300, seed: int = 1) -> list[tuple[float, float]]:
    chance = random.Random(seed)
    return [(6.0 * n, 100.0 + 6.0 * n * per_second + chance.gauss(0, noise)) for n in range(count)]


@pytest.mark.parametrize("per_hour", [0.0, 36.0])
def test_the_interval_holds_the_slope_of_about_95_lines_in_100(per_hour: float) -> None:
    found = [slope(line(per_hour / 3600, 2.0, seed=seed)) for seed in range(100)]
    held = sum(one is not None and (one.low or 0.0) <= per_hour <= (one.high or 0.0) for one in found)
    assert 88 <= held <= 99
    assert all(one is not None and abs(one.per_hour - per_hour) < 6.0 for one in found)


def test_what_grows_while_it_warms_up_does_not_count() -> None:
    points = [(float(t), min(t, 50) * 10.0) for t in range(500)]
    still = slope(points)
    assert still is not None
    assert (still.per_hour, still.low, still.high) == (0.0, 0.0, 0.0)


def test_neighbours_are_averaged_before_pairs_are_made() -> None:
    many = slope(line(0.01, 0.0, count=5000), warm_up_share=0.0)
    assert many is not None
    assert many.per_hour == pytest.approx(36.0)
    few = slope(line(0.01, 0.0, count=MOST_MEANS), warm_up_share=0.0)
    assert few is not None
    assert few.per_hour == pytest.approx(36.0)


def test_of_one_moment_there_is_no_slope_and_of_few_no_interval() -> None:
    assert slope([]) is None
    assert slope([(5.0, 1.0)]) is None
    found = slope([(0.0, 1.0), (10.0, 2.0), (20.0, 3.0)], warm_up_share=0.0)
    assert found is not None
    assert found.per_hour == pytest.approx(360.0)
    assert (found.low, found.high) == (None, None)
