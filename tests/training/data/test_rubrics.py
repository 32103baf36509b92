from collections.abc import Callable
from typing import Any

import pytest

from service.revision.rubric import Criterion
from tests.training.data.rows import example, faults_after
from training.data.rubrics import HealthRubric, RubricCriterion, replay


def record() -> HealthRubric:
    return HealthRubric.model_validate(example("health_rubric"))


def test_the_log_leads_from_the_drafted_to_the_edited_rubric() -> None:
    row = record()
    assert replay(row.drafted_rubric, row.edit_log) == row.edited_rubric
    assert [criterion.points for criterion in row.edited_rubric] == [9, 5, -8, 6]


def test_a_criterion_is_the_one_that_the_service_scores() -> None:
    made = RubricCriterion(criterion="Names it", points=-3, axis="accuracy", principle_id="urgency.choking")
    assert made.as_criterion() == Criterion("Names it", -3, "urgency.choking")


def _drop_last_edit(row: Any) -> None:
    row["edit_log"].pop()


def _reorder(row: Any) -> None:
    row["edited_rubric"].reverse()


def _other_points(row: Any) -> None:
    row["edited_rubric"][0]["points"] = 8


@pytest.mark.parametrize("change", [_drop_last_edit, _reorder, _other_points, lambda row: row.update(edit_log=[])])
def test_a_log_that_leads_elsewhere_is_refused(change: Callable[[Any], object]) -> None:
    assert faults_after("health_rubric", change) == [("edit_log", "edit_log")]


@pytest.mark.parametrize(("number", "kind"), [(0, "edit_log"), (4, "edit_log"), (-1, "bad_value"), (101, "bad_value")])
def test_an_edit_of_no_criterion_is_named(number: int, kind: str) -> None:
    found = faults_after("health_rubric", lambda row: row["edit_log"][0].update(number=number))
    assert found == [(kind, "edit_log.0.number")]


def test_an_insertion_past_the_end_is_named() -> None:
    found = faults_after("health_rubric", lambda row: row["edit_log"][3].update(number=5))
    assert found == [("edit_log", "edit_log.3.number")]


def test_an_edit_has_a_criterion_unless_it_deletes() -> None:
    assert faults_after("health_rubric", lambda row: row["edit_log"][0].pop("criterion")) == [
        ("edit_log", "edit_log.0")
    ]
    extra = {"criterion": {"criterion": "Names it", "points": 1, "axis": "accuracy"}}
    assert faults_after("health_rubric", lambda row: row["edit_log"][1].update(extra)) == [("edit_log", "edit_log.1")]


@pytest.mark.parametrize("preference", ["c", "A", "none"])
def test_a_preference_names_a_candidate(preference: str) -> None:
    found = faults_after("health_rubric", lambda row: row.update(preference=preference))
    assert found == [("preference", "preference")]


@pytest.mark.parametrize("preference", ["a", "b", "tie"])
def test_a_candidate_or_a_tie_may_be_preferred(preference: str) -> None:
    assert faults_after("health_rubric", lambda row: row.update(preference=preference)) == []


@pytest.mark.parametrize("taken", ["a", "tie"])
def test_candidates_are_told_apart(taken: str) -> None:
    found = faults_after("health_rubric", lambda row: row["candidates"][1].update(id=taken))
    assert found == [("duplicate_id", "candidates.1.id")]


def test_one_candidate_is_too_few() -> None:
    assert faults_after("health_rubric", lambda row: row["candidates"].pop()) == [("too_few", "candidates")]


def test_a_rubric_needs_positive_points() -> None:
    row = example("health_rubric")["edited_rubric"][2]
    change = {"drafted_rubric": [row], "edited_rubric": [row], "edit_log": []}
    found = faults_after("health_rubric", lambda whole: whole.update(change))
    assert found == [("no_positive_points", "drafted_rubric"), ("no_positive_points", "edited_rubric")]


def test_a_criterion_comes_once() -> None:
    def repeat(row: Any) -> None:
        row["drafted_rubric"][2]["criterion"] = row["drafted_rubric"][0]["criterion"].upper().replace(" ", "  ")

    assert faults_after("health_rubric", repeat) == [("repeated_criterion", "drafted_rubric.2.criterion")]


def test_an_axis_is_one_of_five() -> None:
    found = faults_after("health_rubric", lambda row: row["drafted_rubric"][0].update(axis="style"))
    assert found == [("bad_value", "drafted_rubric.0.axis")]


def test_faults_in_several_places_are_all_named() -> None:
    def spoil(row: Any) -> None:
        row["preference"] = "c"
        row["drafted_rubric"][0]["points"] = 0
        row["prompt"][0]["role"] = "assistant"
        row["extra"] = 1

    found = faults_after("health_rubric", spoil)
    assert set(found) == {
        ("preference", "preference"),
        ("points", "drafted_rubric.0.points"),
        ("roles", "prompt.0.role"),
        ("unknown_field", "extra"),
    }
