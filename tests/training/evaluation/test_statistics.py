import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inspect_ai.scorer import SampleScore, Score
from inspect_ai.scorer import krippendorff_alpha as inspects_alpha

from training.evaluation.statistics import (
    agreement,
    agreement_of_counts,
    bootstrap_mean,
    krippendorff_alpha,
    mcnemar_exact,
    paired_difference,
    pearson,
    sign_test,
    wilson_interval,
)

counts = st.integers(0, 50)
tables = st.tuples(counts, counts, counts, counts).filter(any)
units = st.lists(st.lists(st.sampled_from([*"abc", None]), min_size=1, max_size=5), min_size=1, max_size=12)


@pytest.mark.parametrize("fp", range(80))
def test_published_confusion_figures(fp: int) -> None:
    """MLB's judge: n = 1000, TP 662, TN 259, FP + FN 79: accuracy .921, F1 .9437, kappa .811 to .813."""
    figures = agreement_of_counts(662, 259, fp, 79 - fp)
    assert figures.n == 1000
    assert figures.accuracy == pytest.approx(0.921)
    assert figures.f1 == pytest.approx(2 * 662 / (2 * 662 + 79)) == pytest.approx(0.9437, abs=5e-5)
    assert 0.811 <= figures.kappa <= 0.813
    assert figures.macro_f1 == pytest.approx((figures.f1 + 2 * 259 / (2 * 259 + 79)) / 2)


def test_figures_of_a_table_by_hand() -> None:
    """20 and 15 agreements, 5 and 10 errors: Cohen's kappa is 0.4 (accuracy .7, chance .5)."""
    figures = agreement_of_counts(tp=20, tn=15, fp=5, fn=10)
    assert (figures.n, figures.accuracy, figures.kappa) == pytest.approx((50, 0.7, 0.4))
    assert (figures.precision, figures.recall) == pytest.approx((0.8, 2 / 3))
    assert (figures.specificity, figures.npv, figures.prevalence) == (0.75, 0.6, 0.6)
    assert (figures.f1, figures.f1_not_met) == pytest.approx((40 / 55, 30 / 45))
    assert agreement_of_counts(tp=45, tn=15, fp=15, fn=25).kappa == pytest.approx(0.1304, abs=5e-5)
    assert agreement_of_counts(tp=25, tn=35, fp=35, fn=5).kappa == pytest.approx(0.2593, abs=5e-5)


@settings(deadline=None)
@given(tables)
def test_verdicts_and_counts_say_the_same(table: tuple[int, int, int, int]) -> None:
    tp, tn, fp, fn = table
    predicted = [True] * tp + [False] * tn + [True] * fp + [False] * fn
    truth = [True] * tp + [False] * tn + [False] * fp + [True] * fn
    figures = agreement(predicted, truth)
    assert repr(figures) == repr(agreement_of_counts(tp, tn, fp, fn))
    assert (figures.tp, figures.tn, figures.fp, figures.fn) == table


@settings(deadline=None)
@given(tables)
def test_naming_the_other_class_positive_mirrors_the_figures(table: tuple[int, int, int, int]) -> None:
    tp, tn, fp, fn = table
    one, other = agreement_of_counts(tp, tn, fp, fn), agreement_of_counts(tn, tp, fn, fp)
    assert one.accuracy == other.accuracy
    mirrored = (other.specificity, other.npv, other.f1_not_met, other.macro_f1, other.kappa)
    assert (one.recall, one.precision, one.f1, one.macro_f1, one.kappa) == pytest.approx(mirrored, nan_ok=True)


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
def test_kappa_is_0_for_independence(says: int, says_not: int, is_so: int, is_not: int) -> None:
    figures = agreement_of_counts(says * is_so, says_not * is_not, says * is_not, says_not * is_so)
    assert figures.kappa == pytest.approx(0.0, abs=1e-12)


def test_tables_that_are_none() -> None:
    with pytest.raises(ValueError, match="no verdicts"):
        agreement_of_counts(0, 0, 0, 0)
    with pytest.raises(ValueError, match="below 0"):
        agreement_of_counts(3, 1, -1, 0)


def test_wilsons_interval_of_the_published_win_rate() -> None:
    """A win rate of .54: n = 237 gives .476 to .602, n = 1000 .509 to .571."""
    few, many = wilson_interval(0.54 * 237, 237), wilson_interval(540, 1000)
    assert (round(few.low, 3), round(few.high, 3), few.n) == (0.476, 0.602, 237)
    assert (round(many.low, 3), round(many.high, 3), many.mean) == (0.509, 0.571, 0.54)


def test_wilsons_interval_at_the_ends() -> None:
    none, every = wilson_interval(0, 10), wilson_interval(10, 10)
    assert (none.low, round(none.high, 4)) == (0.0, 0.2775)
    assert (every.low, every.high) == pytest.approx((0.72247, 1.0), abs=5e-6)
    for successes, n in [(0, 0), (3, 2), (-1, 2)]:
        with pytest.raises(ValueError, match="is no share"):
            wilson_interval(successes, n)


@settings(deadline=None)
@given(st.integers(1, 500), st.data())
def test_wilsons_interval_holds_the_share_and_mirrors(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, n))
    one, other = wilson_interval(successes, n), wilson_interval(n - successes, n)
    assert 0 <= one.low <= one.mean + 1e-12
    assert one.mean <= one.high + 1e-12
    assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low), abs=1e-12)


def _raters(*rows: str) -> list[tuple[str | None, ...]]:
    """Units from one string of ratings a rater; a dot is missing."""
    return list(zip(*([None if one == "." else one for one in row] for row in rows), strict=True))


@pytest.mark.parametrize(
    ("raters", "alpha"),
    [
        (("0100000010", "1110010000"), 0.095),
        (("aabbdcccedda", "babbbccceddd"), 0.692),
        (("123321412...", "1233224125.3", ".3332342251.", "12332441251."), 0.743),
        ((".....34121133.3", "1.213343.......", "..21344.21133.4"), 0.691),
    ],
)
def test_krippendorffs_worked_examples(raters: tuple[str, ...], alpha: float) -> None:
    """Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", A, B, C; the fourth is Wikipedia's."""
    assert round(krippendorff_alpha(_raters(*raters)), 3) == alpha


@settings(deadline=None)
@given(units)
def test_alpha_is_inspects(rated: list[list[str | None]]) -> None:
    scores = [SampleScore(score=Score(value=[one for one in unit if one is not None])) for unit in rated]
    ours, theirs = krippendorff_alpha(rated), inspects_alpha()(scores)  # type: ignore[arg-type]
    if len({one for unit in rated if sum(r is not None for r in unit) > 1 for one in unit} - {None}) > 1:
        assert ours == pytest.approx(theirs)
    else:
        assert math.isnan(ours)


@settings(deadline=None)
@given(units)
def test_alpha_knows_no_order_and_no_names(rated: list[list[str | None]]) -> None:
    named = {"a": "z", "b": "a", "c": "b", None: None}
    turned = [[named[one] for one in reversed(unit)] for unit in reversed(rated)]
    assert krippendorff_alpha(turned) == pytest.approx(krippendorff_alpha(rated), nan_ok=True)


def test_pearsons_r_of_anscombes_first() -> None:
    x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0]
    y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]
    assert pearson(x, y) == pytest.approx(0.81642, abs=5e-6)
    assert pearson(x, [-value for value in x]) == -1.0
    assert math.isnan(pearson(x, [0.1] * 11))
    assert math.isnan(pearson([1.0], [2.0]))
    with pytest.raises(ValueError, match="shorter"):
        pearson([1.0, 2.0], [1.0])


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=2, max_size=30))
def test_pearson_is_numpys(pairs: list[tuple[int, int]]) -> None:
    x, y = zip(*pairs, strict=True)
    if len(set(x)) > 1 and len(set(y)) > 1:
        assert pearson(x, y) == pytest.approx(float(np.corrcoef(x, y)[0, 1]), abs=1e-12)


@pytest.mark.parametrize(
    ("above", "below", "p"),
    [(1, 9, 22 / 1024), (0, 5, 1 / 16), (3, 3, 1.0), (0, 0, 1.0), (2, 1, 1.0), (10, 2, 158 / 4096)],
)
def test_sign_test_by_hand(above: int, below: int, p: float) -> None:
    assert sign_test(above, below) == pytest.approx(p)
    assert sign_test(below, above) == sign_test(above, below)


def test_sign_test_of_many() -> None:
    """500 against 560: the exact binomial p-value."""
    assert sign_test(500, 560) == pytest.approx(0.0699095, abs=1e-7)
    with pytest.raises(ValueError, match="below 0"):
        sign_test(-1, 2)


def test_mcnemar_looks_only_at_what_one_of_them_has_right() -> None:
    first: Sequence[bool] = [True] * 9 + [False] + [True] * 50 + [False] * 7
    second: Sequence[bool] = [False] * 9 + [True] + [True] * 50 + [False] * 7
    assert mcnemar_exact(first, second) == pytest.approx(22 / 1024)
    assert mcnemar_exact(first, first) == 1.0


def test_figures_without_meaning_are_nan() -> None:
    figures = agreement([True, True], [True, True])
    assert figures.accuracy == 1.0
    assert math.isnan(figures.kappa)
    assert math.isnan(agreement([False], [False]).f1)


def test_interval_holds_the_mean_and_narrows() -> None:
    few, many = bootstrap_mean([0.0, 1.0] * 20), bootstrap_mean([0.0, 1.0] * 2000)
    assert few.mean == many.mean == 0.5
    assert few.low < 0.5 < few.high
    assert many.high - many.low == pytest.approx(4 * 0.5 / math.sqrt(4000), rel=0.1)


def test_pairs_are_resampled_together() -> None:
    noisy = [float(value) for value in range(100)]
    interval = paired_difference([value + 0.5 for value in noisy], noisy)
    assert (interval.mean, interval.low, interval.high) == (0.5, 0.5, 0.5)


def test_no_values_is_an_error() -> None:
    with pytest.raises(ValueError, match="no values"):
        bootstrap_mean([])
