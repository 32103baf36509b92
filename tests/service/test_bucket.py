"""Token buckets on a clock of the test's own."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.bucket import Bucket, Buckets, duration, whole_seconds


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_begins_full_runs_into_debt_and_refills_all_the_time() -> None:
    clock = Clock()
    bucket = Bucket(600, clock)
    assert (bucket.level, bucket.full, bucket.owes_s, bucket.fills_s) == (600, True, 0, 0)
    bucket.spend(650)
    assert (bucket.level, bucket.owes_s, bucket.fills_s) == (-50, 5.0, 65.0)
    clock.now = 2.5
    assert (bucket.level, bucket.owes_s) == (-25, 2.5)
    clock.now = 5.0
    assert (bucket.level, bucket.owes_s, bucket.full) == (0, 0, False)
    clock.now = 500.0
    assert (bucket.level, bucket.full) == (600, True)


@given(st.integers(1, 10**6), st.lists(st.tuples(st.floats(0, 300), st.integers(0, 10**6)), max_size=20))
def test_what_is_owed_is_paid_at_the_time_that_was_told_and_not_before(
    per_minute: int, spent: list[tuple[float, int]]
) -> None:
    clock = Clock()
    bucket = Bucket(per_minute, clock)
    for seconds, tokens in spent:
        clock.now += seconds
        bucket.spend(tokens)
    owes_s, start = bucket.owes_s, clock.now
    if owes_s > 0.01:
        clock.now = start + owes_s - 0.005
        assert bucket.level < 0
    clock.now = start + int(whole_seconds(owes_s))
    assert bucket.owes_s == 0


@given(st.integers(1, 10**5), st.lists(st.tuples(st.floats(0, 60), st.integers(0, 10**5)), min_size=1, max_size=40))
def test_no_more_is_let_through_than_a_minutes_worth_and_what_refills_meanwhile_and_one_request(
    per_minute: int, asked: list[tuple[float, int]]
) -> None:
    clock = Clock()
    bucket = Bucket(per_minute, clock)
    let_through = []
    for seconds, tokens in asked:
        clock.now += seconds
        if bucket.owes_s == 0:
            bucket.spend(tokens)
            let_through.append(tokens)
    allowed = per_minute * (1 + clock.now / 60)
    assert sum(let_through[:-1]) <= allowed + 1e-3 or sum(let_through) - max(let_through) <= allowed + 1e-3


def test_another_rate_keeps_what_is_there_and_what_is_owed() -> None:
    clock = Clock()
    buckets = Buckets(clock)
    buckets.set_rate("a", 600)
    buckets.of("a", 600).spend(700)
    buckets.set_rate("a", 1200)
    assert (buckets.of("a", 1).level, buckets.of("a", 1).owes_s) == (-100, 5.0)
    clock.now = 60.0
    assert buckets.of("a", 1).level == 1100
    buckets.set_rate("a", 60)
    assert buckets.of("a", 1).level == 60


def test_buckets_are_forgotten_once_they_are_full_and_not_before() -> None:
    clock = Clock()
    buckets = Buckets(clock)
    for number in range(300):
        buckets.of(f"client-{number}", 60).spend(61)
        clock.now += 1.0
    assert len(buckets) == 61
    assert buckets.owing == 0
    buckets.of("deep", 60).spend(6000)
    clock.now += 600
    buckets.of("new", 60)
    assert (len(buckets), buckets.owing) == (2, 1)
    assert buckets.of("deep", 60).level == 60 - 6000 + 600


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0ms"), (0.0201, "21ms"), (1, "1s"), (1.5, "1.5s"), (59.9999, "1m0s"), (360, "6m0s"), (61.25, "1m1.25s")],
)
def test_times_are_told_as_openai_tells_them(seconds: float, told: str) -> None:
    assert duration(seconds) == told


@pytest.mark.parametrize(("seconds", "told"), [(0.001, "1"), (1.0, "1"), (1.01, "2"), (90, "90")])
def test_retry_after_is_whole_and_never_too_early(seconds: float, told: str) -> None:
    assert whole_seconds(seconds) == told
