import math

import pytest

from training.evaluation.statistics import agreement, bootstrap_mean, paired_difference


def test_published_confusion_figures() -> None:
    """MLB's judge: n = 1000, TP 662, TN 259, FP + FN 79: accuracy .921, F1 .9437, kappa .811 to .813."""
    predicted = [True] * 662 + [False] * 259 + [True] * 40 + [False] * 39
    truth = [True] * 662 + [False] * 259 + [False] * 40 + [True] * 39
    figures = agreement(predicted, truth)
    assert figures.accuracy == pytest.approx(0.921)
    assert figures.f1 == pytest.approx(0.9437, abs=5e-5)
    assert 0.811 <= figures.kappa <= 0.813


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
