import numpy as np
import pytest

from training.evaluation.mlb.aggregates import Aggregate, dimensions_of, overall
from training.evaluation.mlb.specs import SPECS, Dimension

KEYS = list(SPECS)
SIZES = np.array([spec.size for spec in SPECS.values()], dtype=np.float64)


def of(understanding: float, service: float, others: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Scores of all 22 datasets, each its dimension's."""
    named = {Dimension.UNDERSTANDING: understanding, Dimension.SERVICE: service}
    return np.array([named.get(spec.dimension, others) for spec in SPECS.values()])


def test_published_numbers_of_the_best_model_fit_both_readings() -> None:
    """Overall 77.3 with MedRU 87.8 and SmartServ 61.3: the other three average 79.1, or 81.1 over 1,900 samples."""
    by_dimension, by_sample = (5 * 77.3 - 87.8 - 61.3) / 3, (4250 * 77.3 - 1150 * 87.8 - 1200 * 61.3) / 1900
    assert by_dimension == pytest.approx(79.1, abs=0.05)
    assert by_sample == pytest.approx(81.1, abs=0.06)
    assert overall(Aggregate.DIMENSIONS, KEYS, of(87.8, 61.3, by_dimension), SIZES) == pytest.approx(77.3)
    assert overall(Aggregate.SAMPLES, KEYS, of(87.8, 61.3, by_sample), SIZES) == pytest.approx(77.3)


def test_the_three_by_hand() -> None:
    keys = ["CMExam", "MAExam", "MAHalt"]
    scores, samples = np.array([1.0, 0.5, 0.25]), np.array([1.0, 2.0, 5.0])
    assert overall(Aggregate.DIMENSIONS, keys, scores, samples) == pytest.approx((0.75 + 0.25) / 2)
    assert overall(Aggregate.DATASETS, keys, scores, samples) == pytest.approx(1.75 / 3)
    assert overall(Aggregate.SAMPLES, keys, scores, samples) == pytest.approx((1 + 1 + 1.25) / 8)
    assert dimensions_of(keys) == [Dimension.KNOWLEDGE, Dimension.SAFETY]


@pytest.mark.parametrize("aggregate", list(Aggregate))
def test_a_dataset_without_a_score_leaves_no_overall_score(aggregate: Aggregate) -> None:
    scores = np.array([[1.0, np.nan], [1.0, 0.0]])
    found = overall(aggregate, ["CMExam", "MAHalt"], scores, np.ones((2, 2)))
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(0.5)
