"""The judge's reliability from verdicts that hold a truth."""

import pytest

from tests.training.evaluation.reports.rows_made import row
from training.evaluation.reports.reliability import reliability


def test_only_verdicts_with_probability_and_truth_count() -> None:
    verdicts = [{"criterion": "c", "met": True, "probability": 0.9, "truth": True}] * 3
    others = [
        {"criterion": "c", "met": None, "probability": None, "truth": True},
        {"criterion": "c", "met": True, "probability": 0.4},
        {"criterion": "c", "met": True, "probability": 0.2, "truth": False},
    ]
    low, high = reliability([row("a", {}, verdicts=tuple(verdicts + others))])
    assert (low.probability, low.met.mean, low.met.n) == (0.2, 0.0, 1)
    assert high.probability == pytest.approx(0.9)
    assert (high.met.mean, high.met.n) == (1.0, 3)
    assert reliability([row("a", {}, verdicts=tuple(others[:2]))]) == ()
