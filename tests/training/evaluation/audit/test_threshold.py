from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.training.evaluation.audit.made import audits, item, noisy
from training.evaluation.audit.audited import Audited
from training.evaluation.audit.threshold import Costs, ThresholdError, candidates_of, choose, short_between


def cost_at(items: list[Audited], threshold: float, costs: Costs) -> float:
    """The expected cost, counted one comparison at a time."""
    total, n = 0.0, 0
    for one in items:
        if one.probability is None:
            continue
        for label in one.labels:
            met, n = one.probability >= threshold, n + 1
            passes, is_fine = met != one.fault, label != one.fault
            total += costs.missed_fault * (passes and not is_fine) + costs.needless_edit * (not passes and is_fine)
    return total / n


@settings(max_examples=20, deadline=None)
@given(audits, st.floats(0.1, 10), st.floats(0.1, 10))
def test_no_cut_costs_less_than_the_chosen_one(items: list[Audited], missed: float, needless: float) -> None:
    costs = Costs(missed, needless)
    scored = [one for one in items if one.probability is not None]
    assume(len({one.case for one in scored}) >= 2)
    assume(len({label for one in scored for label in one.labels}) == 2)
    found = choose(items, current=0.5, costs=costs, folds=2)
    grid = np.linspace(0.0005, 0.9995, 400).tolist()
    assert cost_at(items, found.threshold, costs) <= min(cost_at(items, cut, costs) for cut in grid) + 1e-9
    for threshold, value in found.curve:
        assert value == pytest.approx(cost_at(items, threshold, costs))
    assert found.at_current == pytest.approx(cost_at(items, 0.5, costs))
    assert (found.n, found.unscored) == (len(scored), len(items) - len(scored))


def test_a_faults_costs_are_the_other_way_round() -> None:
    """A named fault said to be absent though it is there passes: a missed fault."""
    wish, fault = item(True, False, p=0.9, points=3), item(False, True, p=0.1, points=-3)
    rows = [(wish, 1), (fault, 1), (item(True, True, case="d", p=0.8), 0), (item(False, False, case="d", p=0.2), 0)]
    costs = Costs(missed_fault=5.0, needless_edit=1.0)
    assert cost_at([one for one, _ in rows], 0.5, costs) == 2.5
    found = choose([one for one, _ in rows], current=0.5, costs=costs, folds=2)
    assert found.at_current == 2.5


def test_a_lenient_judge_gets_a_higher_threshold_and_a_sure_gain() -> None:
    found = choose(noisy(600, shift=2.0), current=0.5)
    assert found.threshold > 0.7
    assert found.better
    assert found.p_value < 0.01
    assert found.held_out < found.at_current
    assert found.gain.mean == pytest.approx(found.at_current - found.held_out)
    assert len(found.fold_thresholds) == 5


def test_an_honest_judge_has_nothing_to_gain() -> None:
    found = choose(noisy(600, noise=1.5), current=0.5)
    assert not found.better
    assert abs(found.threshold - 0.5) < 0.2


def test_missed_faults_that_cost_more_raise_the_threshold_of_wishes() -> None:
    items = noisy(600, noise=1.5)
    dear, cheap = (choose(items, current=0.5, costs=Costs(missed, 1.0)).threshold for missed in (8.0, 0.125))
    assert dear > 0.6 > 0.4 > cheap


def test_f1_is_the_other_goal() -> None:
    found = choose(noisy(400, shift=2.0), current=0.5, goal="f1")
    assert found.held_out > found.at_current
    assert found.gain.mean == pytest.approx(found.held_out - found.at_current)
    assert max(value for _, value in found.curve) == pytest.approx(dict(found.curve)[found.threshold])


def test_the_gain_is_held_out() -> None:
    """Probabilities that say nothing: the best cut on all cases looks better, the held-out gain does not."""
    rng = np.random.default_rng(3)
    items = [item(None, bool(rng.random() < 0.5), case=f"c{n}", p=float(rng.uniform(0.01, 0.99))) for n in range(60)]
    found = choose(items, current=0.5)
    assert dict(found.curve)[found.threshold] < found.at_current
    assert not found.better


def test_equals_leave_the_threshold_where_it_is() -> None:
    items = [item(p > 0.5, p > 0.5, case=f"{p}", p=p) for p in (0.1, 0.2, 0.3, 0.8, 0.9)]
    assert choose(items, current=0.6).threshold == 0.6
    assert choose(items, current=0.95).threshold == 0.6


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        ([], "both kinds"),
        ([item(True, True), item(False, False)], "both kinds"),
        ([item(True, True, p=0.9), item(False, True, p=0.2)], "both kinds"),
        ([item(True, True, p=0.9), item(False, False, p=0.2)], "1 cases cannot be put into 5 folds"),
    ],
)
def test_what_no_threshold_can_be_chosen_from(items: list[Audited], reason: str) -> None:
    with pytest.raises(ThresholdError, match=reason):
        choose(items, current=0.5)


@pytest.mark.parametrize("cost", [0.0, -1.0, float("inf"), float("nan")])
def test_costs_are_above_0(cost: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Costs(missed_fault=cost)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_candidates_part_every_two_probabilities(p: list[float]) -> None:
    found = candidates_of(np.array(p)).tolist()
    assert all(0 < value < 1 for value in found)
    known = sorted({0.0, 1.0, *p})
    for low, high in pairwise(known):
        inside = [value for value in found if low < value < high]
        assert len(inside) <= 1
        assert inside or np.nextafter(low, high) == high or high - low < 1e-15


def test_thresholds_are_written_short() -> None:
    assert [short_between(*ends) for ends in ((0.41, 0.53), (0.812, 0.8134), (0.0, 1e-7))] == [0.5, 0.813, 5e-8]
    assert short_between(0.5, float(np.nextafter(0.5, 1))) is None
