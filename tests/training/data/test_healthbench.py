import math
from typing import Any

import pytest

from tests.training.data.rows import example, faults_after
from training.data.healthbench import HealthBenchCriterion, HealthBenchLabels


@pytest.mark.parametrize(
    ("points", "kind"),
    [
        (0, "points"),
        (0.0, "points"),
        (10.5, "points"),
        (math.nan, "not_finite"),
        (math.inf, "not_finite"),
        ("5", "wrong_type"),
        (10**400, "wrong_type"),
    ],
)
def test_points_are_a_finite_number_within_bounds(points: Any, kind: str) -> None:
    found = faults_after("healthbench", lambda row: row["rubrics"][0].update(points=points))
    assert found == [(kind, "rubrics.0.points")]


def test_points_need_not_be_whole() -> None:
    criterion = HealthBenchCriterion(criterion="Names it", points=2.5, tags=("level:example", "axis:accuracy"))
    assert (criterion.points, criterion.axis) == (2.5, "accuracy")
    assert HealthBenchCriterion(criterion="Names it", points=2, tags=()).axis is None


@pytest.mark.parametrize("tag", ["axis:style", "level:word", "theme:hedging", "axis", "axis:"])
def test_a_tag_of_a_criterion_is_known(tag: str) -> None:
    found = faults_after("healthbench", lambda row: row["rubrics"][0].update(tags=["level:example", tag]))
    assert found == [("bad_value", "rubrics.0.tags.1")]


def test_a_rubric_needs_positive_points_and_no_repeats() -> None:
    def spoil(row: Any) -> None:
        row["rubrics"] = [row["rubrics"][1], row["rubrics"][1]]

    found = faults_after("healthbench", spoil)
    assert found == [("repeated_criterion", "rubrics.1.criterion"), ("no_positive_points", "rubrics")]


def test_physicians_and_labels_are_as_many() -> None:
    found = faults_after("healthbench_labels", lambda row: row["binary_labels"].append(True))
    assert found == [("labels", "anonymized_physician_ids")]
    found = faults_after("healthbench_labels", lambda row: row.update(binary_labels=[1, False]))
    assert found == [("wrong_type", "binary_labels.0")]


def test_each_physician_gives_a_judge_label() -> None:
    row = example("healthbench_labels") | {"binary_labels": [True, False]}
    labels = list(HealthBenchLabels.model_validate(row).judge_labels())
    assert [(label.met, label.labelled_by) for label in labels] == [(True, "p01"), (False, "p02")]
    assert {label.criterion for label in labels} == {"Asks for what is missing to judge the urgency"}
    assert len({label.id for label in labels}) == 2
