import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.evaluation.audit.made import audits, item, noisy
from training.evaluation.audit.audited import Audited
from training.evaluation.audit.calibration import (
    bin_of,
    brier_parts,
    calibration,
    ece_of,
    equal_mass_edges,
    observations,
    reliability_curve,
)

HAND = [(0.2, False), (0.2, True), (0.4, False), (0.4, False), (0.8, True), (0.8, True), (0.9, True), (0.9, False)]
items_with_p = audits.filter(lambda items: any(one.probability is not None for one in items))


def by_hand() -> list[Audited]:
    return [item(p >= 0.5, met, case=f"c{n}", p=p) for n, (p, met) in enumerate(HAND)]


def test_curve_ece_and_brier_by_hand() -> None:
    """Two bins: .2 .2 .4 .4 with one of four met, .8 .8 .9 .9 with three of four.

    ECE = (|1.2 - 1| + |3.4 - 3|) / 8 = .075. Brier = (.04 + .64 + .16 + .16 + .04 + .04 + .01 + .81) / 8 = .2375.
    Reliability (.05^2 + .1^2) / 2, resolution .25^2, uncertainty .25.
    """
    found = calibration(by_hand(), bins=2)
    assert found is not None
    assert [(one.low, one.high, one.n, one.met.mean) for one in found.curve] == [
        (0.2, 0.4, 4, 0.25),
        (0.8, 0.9, 4, 0.75),
    ]
    assert [one.mean_probability for one in found.curve] == pytest.approx([0.3, 0.85])
    assert (found.ece.mean, found.brier.mean) == pytest.approx((0.075, 0.2375))
    parts = found.parts
    assert (parts.reliability, parts.resolution, parts.uncertainty) == pytest.approx((0.00625, 0.0625, 0.25))
    assert parts.total == pytest.approx(0.2375)
    assert found.skill == pytest.approx(0.05)


@settings(max_examples=25, deadline=None)
@given(items_with_p, st.integers(1, 12))
def test_the_parts_of_the_brier_score_add_up(items: list[Audited], bins: int) -> None:
    p_N, met_N = observations(items)
    parts = brier_parts(p_N, met_N, equal_mass_edges(p_N, bins))
    assert parts.total == pytest.approx(float(np.mean((p_N - met_N) ** 2)), abs=1e-12)
    if len(set(p_N.tolist())) <= bins and len(p_N) == len(set(p_N.tolist())):
        assert parts.variance_within == pytest.approx(0.0, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(items_with_p, st.integers(1, 12))
def test_bins_share_no_probability_and_hold_everything(items: list[Audited], bins: int) -> None:
    p_N, met_N = observations(items)
    edges = equal_mass_edges(p_N, bins)
    curve = reliability_curve(p_N, met_N, edges)
    assert sum(one.n for one in curve) == len(p_N)
    assert all(one.high < other.low for one, other in pairwise(curve))
    assert len(curve) <= bins
    assert set(bin_of(p_N, edges).tolist()) == set(range(len(edges)))
    distance = sum(one.n * abs(one.mean_probability - one.met.mean) for one in curve) / len(p_N)
    assert ece_of(items, edges).value == pytest.approx(distance)


def test_bins_have_about_as_many_each() -> None:
    p_N, met_N = observations(noisy(1000))
    curve = reliability_curve(p_N, met_N, equal_mass_edges(p_N, 10))
    assert [one.n for one in curve] == [100] * 10


def test_an_honest_judge_is_nearer_the_line_than_a_lenient_one() -> None:
    honest, lenient = calibration(noisy(600)), calibration(noisy(600, shift=2.0))
    assert honest is not None
    assert lenient is not None
    assert lenient.ece.low > honest.ece.high
    assert lenient.brier.low > honest.brier.high
    assert honest.skill > lenient.skill


def test_without_probabilities_there_is_none() -> None:
    assert calibration([item(True, True), item(None, False)]) is None
    alone = calibration([item(True, True, p=0.9)])
    assert alone is not None
    assert math.isnan(alone.skill)
    with pytest.raises(ValueError, match="0 bins"):
        equal_mass_edges(np.array([0.5]), 0)
