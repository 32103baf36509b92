import math

import numpy as np
import pytest
from hypothesis import given, settings

from tests.training.evaluation.audit.made import audits, item
from training.evaluation.audit.audited import Audited
from training.evaluation.audit.figures import AGREEMENT, HEADLINE, alpha, alpha_columns, figures_of
from training.evaluation.pooled import Pooled, interval
from training.evaluation.statistics import agreement_of_counts, krippendorff_alpha


def values(items: list[Audited]) -> dict[str, float]:
    return {name: figure.value for name, figure in figures_of(items).items()}


def test_published_figures_as_sums() -> None:
    """MLB's judge, FP + FN split 40 to 39."""
    table = [(True, True, 662), (False, False, 259), (True, False, 40), (False, True, 39)]
    found = values([item(met, label) for met, label, times in table for _ in range(times)])
    assert found["accuracy"] == 0.921
    assert round(found["f1"], 4) == 0.9437
    assert 0.811 <= found["kappa"] <= 0.813
    assert found["unscored"] == 0.0


def test_every_label_is_a_comparison_and_unscored_is_none() -> None:
    """Three labels on one item count thrice: TP 2, FP 1, TN 1; the unreadable verdict adds nothing."""
    items = [item(True, True, True, False, axis="accuracy"), item(False, False), item(None, True, True)]
    found = values(items)
    assert (found["accuracy"], found["precision"], found["recall"], found["specificity"]) == (0.75, 2 / 3, 1.0, 0.5)
    assert found["unscored"] == 1 / 3
    assert found["accuracy:axis:accuracy"] == 2 / 3
    assert next(iter(found)) == HEADLINE
    assert all(len(figure.columns) == 3 for figure in figures_of(items).values())


def test_the_experts_own_alpha_needs_two_labels_on_an_item() -> None:
    assert "alpha_raters" not in values([item(True, True), item(False, False)])
    assert values([item(True, True, True), item(False, False, False)])["alpha_raters"] == 1.0


def test_a_judge_of_one_word_has_no_kappa_above_chance() -> None:
    found = values([item(True, True), item(True, False), item(True, True)])
    assert found["kappa"] == 0.0
    assert (found["f1_not_met"], found["macro_f1"]) == (0.0, 0.4)
    assert math.isnan(found["npv"])


@settings(max_examples=40, deadline=None)
@given(audits)
def test_figures_are_those_of_the_counts(items: list[Audited]) -> None:
    pairs = [(entry.met, label) for entry in items if entry.met is not None for label in entry.labels]
    found = values(items)
    if not pairs:
        assert all(math.isnan(found[name]) for name in AGREEMENT)
        return
    tp, tn = pairs.count((True, True)), pairs.count((False, False))
    known = agreement_of_counts(tp, tn, pairs.count((True, False)), pairs.count((False, True)))
    for name in AGREEMENT:
        assert found[name] == pytest.approx(getattr(known, name), nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(audits)
def test_alpha_of_sums_is_alpha_of_units(items: list[Audited]) -> None:
    units = [(*entry.labels, entry.met) for entry in items]
    expected = krippendorff_alpha(units)
    assert Pooled(alpha_columns(units), alpha).value == pytest.approx(expected, nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(audits)
def test_order_does_not_matter(items: list[Audited]) -> None:
    turned = values(list(reversed(items)))
    assert turned == pytest.approx(values(items), nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(audits)
def test_calling_met_not_met_mirrors_the_figures(items: list[Audited]) -> None:
    turned = [
        Audited(one.case, tuple(not x for x in one.labels), None if one.met is None else not one.met, None, one.length)
        for one in items
    ]
    one, other = values(items), values(turned)
    for name in ("accuracy", "macro_f1", "kappa", "alpha"):
        assert one[name] == pytest.approx(other[name], nan_ok=True)
    assert (one["f1"], one["recall"]) == pytest.approx((other["f1_not_met"], other["specificity"]), nan_ok=True)


def test_intervals_resample_cases() -> None:
    """Twenty copies of one comparison in a case are no more evidence than one."""
    alone = [item(number % 4 > 0, True, case=f"c{number}") for number in range(40)]
    copies = [entry for entry in alone for _ in range(20)]
    one = interval(figures_of(alone)["accuracy"], [entry.case for entry in alone])
    many = interval(figures_of(copies)["accuracy"], [entry.case for entry in copies])
    assert (one.low, one.high) == (many.low, many.high)
    assert np.isclose(one.mean, 0.75)
