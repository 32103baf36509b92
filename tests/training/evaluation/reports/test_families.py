"""Holm's adjustment, by hand and by its properties."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.reports.families import family_of, holm, member_of


def test_holm_by_hand() -> None:
    """Sorted .01 .02 .03 .04: times 4, 3, 2, 1 is .04 .06 .06 .04, and none below the one before."""
    assert holm({"d": 0.04, "a": 0.01, "c": 0.03, "b": 0.02}) == pytest.approx(
        {"d": 0.06, "a": 0.04, "c": 0.06, "b": 0.06}
    )


def test_what_is_no_number_is_no_test() -> None:
    adjusted = holm({"a": 0.02, "b": math.nan, "c": 0.6})
    assert adjusted["a"] == pytest.approx(0.04)
    assert math.isnan(adjusted["b"])
    assert adjusted["c"] == 0.6
    assert holm({}) == {}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_a_p_value_keeps_their_order_and_is_no_harsher_than_bonferroni(p_values: list[float]) -> None:
    adjusted = holm(dict(enumerate(p_values)))
    for place, p in enumerate(p_values):
        assert p <= adjusted[place] <= min(1.0, len(p_values) * p) + 1e-12
    in_order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    assert [adjusted[place] for place in in_order] == sorted(adjusted.values())


def test_a_family_is_what_stands_before_the_colon() -> None:
    assert family_of("axis:accuracy") == "axis"
    assert family_of("score") is None
    assert (member_of("win: accuracy"), member_of("score")) == ("accuracy", "score")
