"""A sample's values from its verdicts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.consultations.judge import FIELDS, OVERALL, Outcome, Verdict
from training.evaluation.consultations.scorer import values

OUTCOMES: tuple[Outcome, ...] = ("win", "tie", "loss")
EACH = st.lists(st.sampled_from([*OUTCOMES, None]), min_size=len(FIELDS), max_size=len(FIELDS))


def against(counterpart: str, *joined: Outcome | None) -> list[Verdict]:
    return [
        Verdict(counterpart, name, shown=one, swapped=one, joined=one, raw="", raw_swapped="")
        for name, one in zip(FIELDS, joined, strict=True)
    ]


def test_the_score_is_the_mean_of_strict_wins_over_counterparts_and_dimensions() -> None:
    found = values(
        [*against("a", "win", "win", "tie", "loss", "win"), *against("b", "win", "loss", "tie", "tie", "loss")]
    )
    assert found["score"] == 3 / 8
    assert (found["win:proactiveness"], found["win:accuracy"], found["loss:accuracy"]) == (1.0, 0.5, 0.5)
    assert (found["tie:usefulness"], found["loss:language_quality"]) == (1.0, 0.5)
    assert (found["win:overall"], found["tie:overall"], found["loss:overall"]) == (0.5, 0.0, 0.5)
    assert found["consistent"] == 1.0


def test_what_is_unscored_is_left_out_and_never_a_loss() -> None:
    found = values([*against("a", "win", None, None, None, None), *against("b", None, None, None, None, "win")])
    assert found["score"] == 1.0
    assert math.isnan(found["win:accuracy"])
    assert math.isnan(found["loss:accuracy"])
    assert found["win:overall"] == 1.0


def test_nothing_readable_is_nan_throughout() -> None:
    assert all(math.isnan(value) for value in values(against("a", *(None,) * 5)).values())


def test_consistency_counts_the_dimensions_that_both_orders_say() -> None:
    orders: list[tuple[Outcome | None, Outcome | None]] = [
        ("win", "win"),
        ("win", "loss"),
        ("tie", None),
        ("win", "tie"),
    ]
    dimensions = [Verdict("a", name, *pair, None, "", "") for name, pair in zip(FIELDS, orders, strict=False)]
    overall = Verdict("a", OVERALL, "win", "win", "win", "", "")
    assert values([*dimensions, overall])["consistent"] == pytest.approx(1 / 3)


@given(EACH, EACH)
def test_the_order_of_counterparts_does_not_matter(one: list[Outcome | None], other: list[Outcome | None]) -> None:
    first, second = against("a", *one), against("b", *other)
    assert values([*first, *second]) == pytest.approx(values([*second, *first]), nan_ok=True)


@given(EACH)
def test_shares_of_outcomes_sum_to_one_where_something_is_scored(joined: list[Outcome | None]) -> None:
    found = values(against("a", *joined))
    for name in FIELDS:
        total = sum(found[f"{outcome}:{name}"] for outcome in OUTCOMES)
        assert math.isnan(total) or total == 1.0
