import math
from collections.abc import Sequence
from itertools import combinations, pairwise
from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.healthbench.formula import Judged, length_adjusted, score, tag_score, worst_at

points = st.one_of(st.integers(-10, 10), st.floats(-10, 10, allow_nan=False)).filter(lambda value: abs(value) > 1e-3)
tags = st.lists(st.sampled_from(["axis:accuracy", "axis:completeness", "level:cluster", "cluster:é 过敏"]), unique=True)
criteria = st.lists(st.builds(Judged, points, tags.map(tuple), st.booleans()), max_size=12)


def naive(judged: Sequence[Judged]) -> float | None:
    """The published formula, written down again as the paper words it."""
    possible = 0.0
    gained = 0.0
    for row in judged:
        if row.points > 0:
            possible += row.points
        if row.met:
            gained += row.points
    if possible == 0:
        return None
    return gained / possible


def example() -> list[Judged]:
    return [
        Judged(9, ("axis:accuracy",), True),
        Judged(5, ("axis:completeness", "cluster:hedging_seeks_context"), True),
        Judged(6, ("axis:accuracy",), False),
        Judged(-8, ("axis:accuracy",), True),
        Judged(-4, ("axis:communication_quality",), False),
    ]


def test_a_worked_example() -> None:
    """(9 + 5 - 8) / (9 + 5 + 6) = 6 / 20; accuracy (9 - 8) / (9 + 6); the cluster 5 / 5; a style with no positive."""
    assert score(example()) == 0.3
    assert tag_score(example(), "axis:accuracy") == pytest.approx(1 / 15)
    assert tag_score(example(), "axis:completeness") == 1.0
    assert tag_score(example(), "cluster:hedging_seeks_context") == 1.0
    assert tag_score(example(), "axis:communication_quality") is None


def test_a_score_is_not_clipped() -> None:
    """(-10 - 5) / 4."""
    assert score([Judged(4, (), False), Judged(-10, (), True), Judged(-5, (), True)]) == -3.75


@pytest.mark.parametrize("judged", [[], [Judged(-3, (), True)], [Judged(-3, (), False), Judged(-0.5, (), True)]])
def test_without_anything_positive_there_is_no_score(judged: list[Judged]) -> None:
    assert score(judged) is None


def test_a_verdict_that_was_not_read_leaves_unscored_what_needs_it_and_nothing_else() -> None:
    judged = [*example(), Judged(-2, ("axis:accuracy",), None)]
    assert score(judged) is None
    assert tag_score(judged, "axis:accuracy") is None
    assert tag_score(judged, "axis:completeness") == 1.0


@given(criteria)
def test_equals_the_formula_written_again(judged: list[Judged]) -> None:
    expected = naive(judged)
    assert score(judged) == (None if expected is None else pytest.approx(expected))
    for tag in ("axis:accuracy", "cluster:é 过敏"):
        expected = naive([row for row in judged if tag in row.tags])
        assert tag_score(judged, tag) == (None if expected is None else pytest.approx(expected))


@given(criteria, st.integers(0, 1000))
def test_order_does_not_count(judged: list[Judged], seed: int) -> None:
    shuffled = list(judged)
    Random(seed).shuffle(shuffled)
    assert score(shuffled) == score(judged)


@given(criteria)
def test_saying_everything_twice_changes_nothing(judged: list[Judged]) -> None:
    once, twice = score(judged), score(judged + judged)
    assert twice == (None if once is None else pytest.approx(once))


@given(criteria)
def test_meeting_all_that_is_positive_and_nothing_else_scores_one(judged: list[Judged]) -> None:
    ideal = [Judged(row.points, row.tags, row.points > 0) for row in judged]
    assert score(ideal) in (None, 1.0)


def test_worst_at_two_of_three_runs() -> None:
    """Pairs of .2, .5, .8: minima .2, .2, .5."""
    assert worst_at(2, [0.8, 0.2, 0.5]) == pytest.approx(0.3)


@given(st.lists(st.floats(-2, 1), min_size=1, max_size=7), st.data())
def test_worst_at_is_the_mean_over_all_subsets(runs: list[float], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(runs)))
    assert worst_at(k, runs) == pytest.approx(fmean(min(subset) for subset in combinations(runs, k)), abs=1e-12)


@given(st.lists(st.floats(-2, 1), min_size=2, max_size=40))
def test_worst_at_goes_from_the_mean_to_the_minimum(runs: list[float]) -> None:
    falling = [worst_at(k, runs) for k in range(1, len(runs) + 1)]
    assert falling[0] == pytest.approx(fmean(runs), abs=1e-12)
    assert falling[-1] == pytest.approx(min(runs), abs=1e-12)
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(falling))


@pytest.mark.parametrize(("k", "runs"), [(0, [0.5]), (2, [0.5]), (1, [])])
def test_worst_at_needs_as_many_runs(k: int, runs: list[float]) -> None:
    with pytest.raises(ValueError, match=f"worst-at-{k} of {len(runs)} runs"):
        worst_at(k, runs)


def test_length_costs_above_the_centre_and_gains_below() -> None:
    assert length_adjusted(0.6, 2_000) == 0.6
    assert length_adjusted(0.6, 3_250) == pytest.approx(0.6 - 2.5 * 0.0147)
    assert length_adjusted(0.6, 500) == pytest.approx(0.6 + 3 * 0.0147)
    assert length_adjusted(0.6, 100, centre=0, cost_per_500=0.5) == pytest.approx(0.5)
    assert math.isclose(length_adjusted(-1.0, 0), -1 + 4 * 0.0147)
