import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.revision.rubric import Criterion, RubricFailure, parse_rubric, render_rubric, rubric_schema

IDS = ("urgency.a", "urgency.b")
CRITERIA = st.builds(
    Criterion,
    st.text(st.characters(categories=["L"]), min_size=1, max_size=30),
    st.integers(-10, 10).filter(bool),
    st.sampled_from([None, *IDS]),
)


@settings(deadline=None)
@given(st.lists(CRITERIA, min_size=1, max_size=6, unique_by=lambda criterion: criterion.text.casefold()))
def test_a_rubric_is_read_as_it_was_written(criteria: list[Criterion]) -> None:
    assert parse_rubric(render_rubric(criteria, IDS), IDS) == tuple(criteria)


def test_repeated_criteria_count_once_and_only_six_are_taken() -> None:
    rows = [{"principle": 1, "criterion": text, "points": 5} for text in ("Names it", "names IT", *"cdefgh")]
    assert [c.text for c in parse_rubric(json.dumps(rows), IDS)] == ["Names it", "c", "d", "e", "f"]


@pytest.mark.parametrize(
    "row",
    [
        5,
        {"criterion": "", "points": 1},
        {"criterion": "a", "points": 0},
        {"criterion": "a", "points": 11},
        {"criterion": "a", "points": True},
        {"criterion": "a", "points": 1.5},
        {"criterion": "a", "points": 1, "principle": 3},
        {"criterion": "a", "points": 1, "principle": "1"},
    ],
)
def test_unreadable_criteria(row: object) -> None:
    with pytest.raises(RubricFailure):
        parse_rubric(json.dumps([row]), IDS)


@pytest.mark.parametrize("text", ["", "{}", "[]", "[{"])
def test_unreadable_rubrics(text: str) -> None:
    with pytest.raises(RubricFailure):
        parse_rubric(text, IDS)


@pytest.mark.parametrize(
    ("points", "met", "satisfied"), [(5, True, True), (5, False, False), (-5, True, False), (-5, False, True)]
)
def test_negative_points_turn_the_verdict_round(points: int, met: bool, satisfied: bool) -> None:
    assert Criterion("a", points).satisfied_by(met) is satisfied


def test_the_schema_admits_just_the_listed_principles_and_no_zero_points() -> None:
    properties = rubric_schema(2)["items"]["properties"]
    assert properties["principle"]["enum"] == [0, 1, 2]
    assert 0 not in properties["points"]["enum"]
    assert len(properties["points"]["enum"]) == 20
