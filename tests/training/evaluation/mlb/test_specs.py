from collections import Counter

from training.evaluation.mlb.gold import FIELDS
from training.evaluation.mlb.specs import SPECS, TOPICS, Dimension, Format, Metric


def test_published_counts_of_datasets() -> None:
    counted = Counter(spec.dimension for spec in SPECS.values())
    assert [counted[dimension] for dimension in Dimension] == [2, 5, 8, 4, 3]
    assert sum(spec.public for spec in SPECS.values()) == 5
    assert all(key == spec.key for key, spec in SPECS.items())


def test_published_sizes() -> None:
    sizes: Counter[Dimension] = Counter()
    for spec in SPECS.values():
        sizes[spec.dimension] += spec.size
    assert [sizes[dimension] for dimension in Dimension] == [300, 1000, 1150, 1200, 600]
    assert sizes.total() == 4250


def test_metrics_follow_the_formats() -> None:
    metrics = {key: spec.metric for key, spec in SPECS.items()}
    assert metrics["CMExam"] is metrics["MASafety"] is metrics["MAReport"] is Metric.ACCURACY
    assert {key for key, metric in metrics.items() if metric is Metric.MICRO_F1} == {
        "CHIP-CDN", "CMeEE", "CHIP-CDEE", "CMeIE", "MAEESymp", "MAEEDisease", "MAEEMedic", "MAEEOper",
    }  # fmt: skip
    assert metrics["GeneralSafety"] is metrics["MAEthic"] is metrics["MARecord"] is Metric.JUDGED


def test_datasets_of_points_have_topics_and_fields() -> None:
    keys = {key for key, spec in SPECS.items() if spec.format is Format.POINTS}
    assert keys == TOPICS.keys() == FIELDS.keys()
