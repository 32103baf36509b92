import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.healthbench.meta import COUNTS, Labelled, counts, figures, macro_f1, physicians, theme_of
from training.evaluation.rows import Answered, Row

HEDGES, SEEKS = "cluster:hedging_no-uncertainty_hedges", "cluster:hedging_any-reducible-uncertainty_seeks_context"
URGENT = "cluster:emergency_referrals_emergent_emergency_behavior"

Item = tuple[str, bool | None, list[bool]]


def made(number: int, category: str, met: bool | None, labels: list[bool]) -> Row:
    pairs = (None,) * 4 if met is None else counts(met, labels)
    values = {name: None if value is None else float(value) for name, value in zip(COUNTS, pairs, strict=True)}
    metadata = {"category": category, "labels": labels}
    answered = Answered("", 0, 0, 0, 0.0, 0, None, {})
    return Row(str(number), 1, str(number), values, (), 1, int(met is None), "", answered, metadata)


ITEMS: list[Item] = [
    (HEDGES, True, [True, True]),
    (HEDGES, True, [True, False]),
    (HEDGES, False, [False, True]),
    (HEDGES, False, [False, False]),
    (SEEKS, True, [True, True, True]),
    (SEEKS, False, [True]),
    (SEEKS, False, [False]),
    (URGENT, True, [True, True, False]),
    (URGENT, None, [True, False]),
]
ROWS = [made(number, *item) for number, item in enumerate(ITEMS)]


def test_worked_figures() -> None:
    """Hedges: TP 3, FP 1, FN 1, TN 3, so both F1 are 6 / 8. Seeks: 3, 0, 1, 1: 6 / 7 and 2 / 3. Urgent: met alone is
    said. All: TP 8, FP 2, FN 2, TN 4: 16 / 20 and 8 / 12."""
    values = {name: figure.value for name, figure in figures(ROWS).items()}
    assert list(values) == [
        "macro_f1_pooled",
        "macro_f1_categories",
        "categories_undefined",
        "theme:emergency_referrals",
        "theme:hedging",
        URGENT,
        SEEKS,
        HEDGES,
    ]
    seeks = (6 / 7 + 2 / 3) / 2
    assert values["macro_f1_pooled"] == pytest.approx((16 / 20 + 8 / 12) / 2)
    assert values["macro_f1_categories"] == pytest.approx((0.75 + seeks) / 2)
    assert values["categories_undefined"] == 1.0
    assert values["theme:hedging"] == pytest.approx((0.75 + seeks) / 2)
    assert math.isnan(values["theme:emergency_referrals"])
    assert math.isnan(values[URGENT])
    assert values[SEEKS] == pytest.approx(seeks)
    assert values[HEDGES] == 0.75


def test_figures_have_a_row_a_sample() -> None:
    assert {len(figure.columns) for figure in figures(ROWS).values()} == {len(ROWS)}


def test_no_rows_have_no_figure() -> None:
    values = {name: figure.value for name, figure in figures([]).items()}
    assert math.isnan(values["macro_f1_pooled"])
    assert math.isnan(values["macro_f1_categories"])
    assert values["categories_undefined"] == 0.0


def naive(pairs: list[tuple[bool, bool]]) -> float | None:
    """Simple-evals' way: precision and recall of each class, where both are defined."""
    both = []
    for positive in (True, False):
        said = [label == positive for verdict, label in pairs if verdict == positive]
        so = [verdict == positive for verdict, label in pairs if label == positive]
        if not said or not so:
            return None
        precision, recall = sum(said) / len(said), sum(so) / len(so)
        both.append(0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall))
    return sum(both) / 2


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=20))
def test_macro_f1_is_simple_evals(pairs: list[tuple[bool, bool]]) -> None:
    sums = np.array([counts(verdict, [label]) for verdict, label in pairs], dtype=np.float64).reshape(-1, 4).sum(axis=0)
    expected = naive(pairs)
    value = float(macro_f1(sums))
    assert math.isnan(value) if expected is None else value == pytest.approx(expected)


def test_physicians_worked() -> None:
    """In hedges p has pairs TP 3, FN 1, TN 1 (F1s 6/7 and 2/3), q the mirror image, and r only TP, so none.

    In seeks nobody has one. Over both p has TP 4: 8/9 and 2/3; so, mirrored, has q.
    """
    items = [
        Labelled(HEDGES, (True, True), ("p", "q")),
        Labelled(HEDGES, (True, True, True), ("p", "q", "r")),
        Labelled(HEDGES, (False, False), ("p", "q")),
        Labelled(HEDGES, (False, True), ("p", "q")),
        Labelled(SEEKS, (True, True), ("p", "q")),
        Labelled(URGENT, (True,), ("p",)),
    ]
    found = physicians(items)
    p_hedges = q_hedges = (6 / 7 + 2 / 3) / 2
    assert found.by_category[HEDGES] == pytest.approx((p_hedges + q_hedges) / 2)
    assert math.isnan(found.by_category[SEEKS])
    assert math.isnan(found.by_category[URGENT])
    assert found.categories == pytest.approx(p_hedges)
    assert found.by_theme["theme:hedging"] == pytest.approx(p_hedges)
    assert math.isnan(found.by_theme["theme:emergency_referrals"])
    assert found.pooled == pytest.approx((8 / 9 + 2 / 3) / 2)


def test_a_physician_with_more_pairs_weighs_more() -> None:
    """p has TP, TN (against q), FP and FN (against r) once each; q a TP and a TN, r an FN and an FP."""
    items = [
        Labelled(HEDGES, (True, True), ("p", "q")),
        Labelled(HEDGES, (False, False), ("p", "q")),
        Labelled(HEDGES, (True, False), ("p", "r")),
        Labelled(HEDGES, (False, True), ("p", "r")),
    ]
    found = physicians(items)
    p, q, r = 0.5, 1.0, 0.0
    p_weight, q_weight, r_weight = 2 * (1 + 1 + 1), 1 + 1, 2 + 2
    expected = (p * p_weight + q * q_weight + r * r_weight) / (p_weight + q_weight + r_weight)
    assert found.by_category[HEDGES] == pytest.approx(expected)
    assert found.pooled == pytest.approx(expected)


def test_a_category_belongs_to_the_theme_it_begins_with() -> None:
    assert theme_of(URGENT) == "theme:emergency_referrals"
    assert theme_of("cluster:context_seeking_enough-context_precise") == "theme:context_seeking"
    assert theme_of("cluster:ours") == "theme:ours"
