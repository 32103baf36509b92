from typing import Any

import pytest

from tests.training.data.rows import example, faults_after
from training.data.comparisons import Comparison


def test_a_swap_turns_answers_and_verdicts_round() -> None:
    comparison = Comparison.model_validate(example("comparison"))
    swapped = comparison.swap()
    assert (swapped.first, swapped.second, swapped.better) == (comparison.second, comparison.first, "second")
    assert swapped.dimensions is not None
    assert (swapped.dimensions.accuracy, swapped.dimensions.language_quality) == ("second", "tie")
    assert swapped.swap() == comparison


@pytest.mark.parametrize("better", ["third", "a", "", None])
def test_a_preference_is_one_of_the_two_or_a_tie(better: Any) -> None:
    assert faults_after("comparison", lambda row: row.update(better=better)) == [("bad_value", "better")]


def test_an_answer_is_not_better_than_itself() -> None:
    found = faults_after("comparison", lambda row: row["second"].update(text=row["first"]["text"]))
    assert found == [
        ("preference", "better"),
        ("preference", "dimensions.proactiveness"),
        ("preference", "dimensions.accuracy"),
        ("preference", "dimensions.usefulness"),
    ]


def test_a_dimension_may_not_be_left_out() -> None:
    found = faults_after("comparison", lambda row: row["dimensions"].pop("accuracy"))
    assert found == [("missing_field", "dimensions.accuracy")]


@pytest.mark.parametrize("met", [None, "true", 1, 0.0])
def test_a_judge_label_is_true_or_false(met: Any) -> None:
    assert faults_after("judge_label", lambda row: row.update(met=met)) == [("wrong_type", "met")]
