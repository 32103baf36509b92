import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.evaluation.audit.made import audits, item
from training.evaluation.audit.audited import Audited
from training.evaluation.audit.bias import (
    BothOrders,
    Place,
    length_bias,
    longer_preferred,
    position_bias,
)
from training.evaluation.statistics import pearson

places = st.sampled_from(["first", "second", "tie", None])
pairs = st.lists(st.builds(BothOrders, st.sampled_from("abcd"), places, places), min_size=1, max_size=20)


def both(first: Place | None, second: Place | None, times: int = 1) -> list[BothOrders]:
    return [BothOrders(f"c{number}", first, second) for number in range(times)]


def test_position_by_hand() -> None:
    """6 agree (2 of them ties), 3 lean to the first shown, 1 to the second, 2 are unreadable.

    Verdicts that prefer one: 8 of agreeing pairs, half of them for the first; first-first 4, first-tie 1, second-second
    2: (4 + 4 + 1) / (8 + 4 + 1 + 2).
    """
    given_ = both("first", "second", 3) + both("second", "first") + both("tie", "tie", 2)
    given_ += both("first", "first", 2) + both("tie", "first") + both("second", "second")
    found = position_bias(given_ + both(None, "first") + both("tie", None))
    assert found is not None
    assert (found.pairs, found.unreadable) == (10, 2)
    assert found.consistency.mean == 0.6
    assert found.first_share.mean == pytest.approx(9 / 15)
    assert (found.for_first, found.for_second, found.p_value) == (3, 1, 0.625)


def test_a_judge_that_takes_whatever_stands_first() -> None:
    found = position_bias(both("first", "first", 12))
    assert found is not None
    assert (found.first_share.mean, found.first_share.low, found.consistency.mean) == (1.0, 1.0, 0.0)
    assert found.p_value == pytest.approx(2 / 2**12)
    assert position_bias(both(None, "tie")) is None


@settings(max_examples=20, deadline=None)
@given(pairs)
def test_showing_the_pairs_the_other_way_round_changes_nothing(made: list[BothOrders]) -> None:
    turned = [BothOrders(pair.case, pair.second_order, pair.first_order) for pair in reversed(made)]
    one, other = position_bias(made), position_bias(turned)
    assert (one is None) == (other is None)
    if one and other:
        assert (one.for_first, one.for_second, one.p_value) == (other.for_first, other.for_second, other.p_value)
        assert one.first_share.mean == pytest.approx(other.first_share.mean, nan_ok=True)
        assert one.consistency.mean == pytest.approx(other.consistency.mean)


def test_the_longer_answer_among_settled_pairs() -> None:
    def pair(first: Place, second: Place, *lengths: int) -> BothOrders:
        return BothOrders("c", first, second, (lengths[0], lengths[1]))

    made = [pair("first", "second", 9, 5), pair("second", "first", 5, 9), pair("first", "second", 5, 9)]
    made += [pair("first", "first", 9, 5), pair("tie", "tie", 9, 5), pair("first", "second", 5, 5)]
    found = longer_preferred([*made, BothOrders("c", "first", "second")])
    assert found is not None
    assert (found.share.mean, found.share.n, found.p_value) == pytest.approx((2 / 3, 3, 1.0))
    assert longer_preferred(made[3:]) is None


def test_length_effect_by_hand() -> None:
    """Label met: long 2 of 2, short 1 of 2; not met: long 1 of 2, short 0 of 2: .5 each, whatever the middle says."""
    rows = [(10, True, True), (11, False, True), (12, False, False), (13, False, False)]
    rows += [(20, True, False), (21, False, True), (22, True, True), (23, False, False)]
    rows += [(30, True, True), (31, True, True), (32, True, False), (33, False, False)]
    found = length_bias([item(met, label, length=length, case=f"c{length}") for length, met, label in rows])
    assert found is not None
    assert found.effect.mean == pytest.approx(0.5)
    short = found.strata[0]
    assert (short.label, short.tercile, short.shortest, short.longest) == (False, "short", 10, 13)
    assert [(one.met.mean, one.met.n) for one in found.strata if one.met is not None] == [
        (0.0, 2),
        (0.5, 2),
        (0.5, 2),
        (0.5, 2),
        (0.5, 2),
        (1.0, 2),
    ]
    beyond = [float(met) - label for _, met, label in rows]
    assert found.correlation.mean == pytest.approx(pearson([row[0] for row in rows], beyond))


@settings(max_examples=20, deadline=None)
@given(audits)
def test_correlation_of_sums_is_pearsons(items: list[Audited]) -> None:
    found = length_bias(items)
    scored = [(one.length, one.met - label) for one in items if one.met is not None for label in one.labels]
    if found is None:
        assert not scored
        return
    expected = pearson([length for length, _ in scored], [beyond for _, beyond in scored])
    assert found.correlation.mean == pytest.approx(expected, nan_ok=True, abs=1e-6)
    assert sum(one.met.n for one in found.strata if one.met is not None) == len(scored)


def test_a_judge_swayed_by_length_is_told_from_one_that_is_not() -> None:
    rng = random.Random(0)
    rows = [(rng.randint(50, 1000), rng.random() < 0.5) for _ in range(500)]
    fair = [
        item(label != (rng.random() < 0.2), label, length=n, case=f"{place}") for place, (n, label) in enumerate(rows)
    ]
    swayed = [
        item(rng.random() < (0.7 if label else 0.1) + 0.25 * (n > 500), label, length=n, case=f"{place}")
        for place, (n, label) in enumerate(rows)
    ]
    found, other = length_bias(fair), length_bias(swayed)
    assert found is not None
    assert other is not None
    assert found.effect.low < 0 < found.effect.high
    assert found.correlation.low < 0 < found.correlation.high
    assert other.effect.low > 0.1
    assert other.correlation.low > 0


def test_answers_of_one_length_have_no_correlation() -> None:
    found = length_bias([item(True, True), item(False, True), item(False, False)])
    assert found is not None
    assert math.isnan(found.correlation.mean)
    assert length_bias([item(None, True)]) is None
