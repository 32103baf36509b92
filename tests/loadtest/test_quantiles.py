import math

import pytest

from loadtest.quantiles import buckets, difference, gauge, histogram_quantile, percentile

SCRAPE = """# HELP overhead_seconds Time.
# TYPE overhead_seconds histogram
overhead_seconds_bucket{le="0.001",route="/v1/chat/completions"} 6.0
overhead_seconds_bucket{le="0.002",route="/v1/chat/completions"} 10.0
overhead_seconds_bucket{le="+Inf",route="/v1/chat/completions"} 10.0
overhead_seconds_bucket{le="0.001",route="/v1/revisions"} 1.0
overhead_seconds_bucket{le="0.002",route="/v1/revisions"} 1.0
overhead_seconds_bucket{le="+Inf",route="/v1/revisions"} 2.0
overhead_seconds_sum{route="/v1/revisions"} 2.0
in_flight 3.0
cancelled_total{route="a"} 4.0
cancelled_total{route="b"} 1.0
"""


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1.0), (0.5, 3.0), (0.99, 4.96), (1.0, 5.0), (0.125, 1.5)])
def test_percentiles_lie_between_neighbours(share: float, expected: float) -> None:
    assert percentile([5.0, 1.0, 4.0, 2.0, 3.0], share) == pytest.approx(expected)


def test_nothing_has_no_quantile() -> None:
    assert percentile([], 0.5) is None
    assert histogram_quantile({}, 0.5) is None
    assert histogram_quantile({0.1: 0.0, math.inf: 0.0}, 0.5) is None


def test_a_histogram_is_read_by_its_labels() -> None:
    chat = buckets(SCRAPE, "overhead_seconds", route="/v1/chat/completions")
    assert chat == {0.001: 6.0, 0.002: 10.0, math.inf: 10.0}
    assert buckets(SCRAPE, "overhead_seconds") == {0.001: 7.0, 0.002: 11.0, math.inf: 12.0}
    assert buckets(SCRAPE, "absent_seconds") == {}


def test_a_gauge_is_the_sum_of_its_samples() -> None:
    assert (gauge(SCRAPE, "in_flight"), gauge(SCRAPE, "cancelled_total"), gauge(SCRAPE, "absent")) == (3.0, 5.0, None)


def test_the_quantile_lies_within_its_bucket_in_proportion() -> None:
    counted = {0.001: 6.0, 0.002: 10.0, math.inf: 10.0}
    assert histogram_quantile(counted, 0.3) == pytest.approx(0.0005)
    assert histogram_quantile(counted, 0.5) == pytest.approx(0.001 * 5 / 6)
    assert histogram_quantile(counted, 0.8) == pytest.approx(0.0015)


def test_beyond_every_bound_the_last_finite_one_is_told() -> None:
    assert histogram_quantile({0.001: 0.0, 0.002: 5.0, math.inf: 10.0}, 0.99) == 0.002


def test_what_was_counted_between_two_scrapes() -> None:
    before, after = {0.001: 2.0, math.inf: 3.0}, {0.001: 5.0, math.inf: 9.0}
    assert difference(after, before) == {0.001: 3.0, math.inf: 6.0}
    assert difference(after, {}) == after
