import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.evaluation.mlb.made import row_of
from training.evaluation.mlb.figures import figures, notes
from training.evaluation.pooled import interval, paired
from training.evaluation.rows import Row


def choice(name: str, dataset: str, score: float | None) -> Row:
    return row_of(name, dataset, {"score": score})


def extraction(name: str, dataset: str, tp: int, fp: int, fn: int) -> Row:
    return row_of(name, dataset, {"score": 0.0, "tp": tp, "fp": fp, "fn": fn})


ROWS = [
    choice("1", "CMExam", 1.0),
    choice("2", "CMExam", 0.0),
    choice("3", "MAExam", 1.0),
    choice("4", "GeneralSafety", 1.0),
    choice("5", "GeneralSafety", None),
    extraction("6", "CMeEE", 2, 1, 0),
    extraction("7", "CMeEE", 1, 0, 2),
]


def test_every_figure_by_hand() -> None:
    found = figures(ROWS)
    assert list(found) == [
        "score", "overall:macro_datasets", "overall:sample_weighted",
        "dimension:MedKQA", "dimension:MedSE", "dimension:MedRU",
        "dataset:CMExam", "dataset:MAExam", "dataset:GeneralSafety", "dataset:CMeEE",
    ]  # fmt: skip
    values = {name: figure.value for name, figure in found.items()}
    assert values["dataset:CMExam"] == 0.5
    assert values["dataset:GeneralSafety"] == 1.0
    assert values["dataset:CMeEE"] == pytest.approx(6 / 9)
    assert values["dimension:MedKQA"] == 0.75
    assert values["score"] == pytest.approx((0.75 + 1 + 6 / 9) / 3)
    assert values["overall:macro_datasets"] == pytest.approx((0.5 + 1 + 1 + 6 / 9) / 4)
    assert values["overall:sample_weighted"] == pytest.approx((0.5 * 2 + 1 + 1 + 6 / 9 * 2) / 6)
    assert all(len(figure.columns) == len(ROWS) for figure in found.values())


def test_a_dataset_that_no_judge_could_score_has_no_value_and_gives_none() -> None:
    found = figures([choice("1", "CMExam", 1.0), choice("2", "GeneralSafety", None)])
    assert math.isnan(found["dataset:GeneralSafety"].value)
    assert math.isnan(found["dimension:MedSE"].value)
    assert math.isnan(found["score"].value)
    assert found["dataset:CMExam"].value == 1.0


def test_no_rows_no_figures() -> None:
    assert figures([]) == {}


def test_intervals_and_paired_differences_of_an_overall_score() -> None:
    worse = [choice(str(n), "CMExam", float(n % 2)) for n in range(20)] + [
        extraction(f"e{n}", "CMeEE", 1, 1, 1) for n in range(20)
    ]
    better = [choice(str(n), "CMExam", 1.0) for n in range(20)] + [
        extraction(f"e{n}", "CMeEE", 2, 0, 0) for n in range(20)
    ]
    first, second = figures(better)["score"], figures(worse)["score"]
    found = interval(second)
    assert found.low < found.mean == 0.5 < found.high
    difference = paired(first, second)
    assert difference.interval.mean == 0.5
    assert difference.interval.low > 0
    assert difference.p_value < 0.01


def test_notes_say_how_many_and_what_is_ours() -> None:
    told = notes(ROWS)
    assert told[0].startswith("4 of 22 datasets; without MASafety, MACompliance")
    assert sum("not published" in note for note in told) == 3
    assert told[-1].startswith("the dimension of a dataset: inferred by us")


@settings(max_examples=30)
@given(st.permutations(ROWS))
def test_the_order_of_samples_says_nothing(rows: list[Row]) -> None:
    assert {name: figure.value for name, figure in figures(rows).items()} == pytest.approx(
        {name: figure.value for name, figure in figures(ROWS).items()}
    )
