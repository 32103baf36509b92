"""The JSON object of a comparison or a score: what is read, and what is not."""

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.judges import dimensions
from training.judges.comparisons import BETTER
from training.judges.scores import SCORES
from training.methods.comparisons import DIMENSIONS

NOTHING = (None,) * 4


def written(*verdicts: object, field: str = "better") -> dict[str, Any]:
    return {d: {"reason": "so", field: verdict} for d, verdict in zip(DIMENSIONS, verdicts, strict=True)}


@given(st.tuples(*[st.sampled_from(BETTER)] * 4), st.randoms())
def test_what_the_schema_allows_is_read_in_the_dimensions_order(better_D: tuple[str, ...], rng: Any) -> None:
    rows = list(written(*better_D).items())
    rng.shuffle(rows)
    jsonschema.validate(dict(rows), dimensions.schema("better", BETTER))
    assert dimensions.read(json.dumps(dict(rows)), "better", BETTER) == better_D


@given(st.tuples(*[st.sampled_from(SCORES)] * 4))
def test_scores_are_read_as_whole_numbers(scores_D: tuple[int, ...]) -> None:
    value = written(*scores_D, field="score")
    jsonschema.validate(value, dimensions.schema("score", SCORES))
    assert dimensions.read(json.dumps(value), "score", SCORES) == scores_D


@given(st.text() | st.recursive(st.none() | st.booleans() | st.integers(), st.lists, max_leaves=5).map(json.dumps))
def test_nonsense_is_unreadable_on_every_dimension(text: str) -> None:
    assert dimensions.read(text, "better", BETTER) == NOTHING


@pytest.mark.parametrize(
    "text",
    [
        "",
        "first",
        json.dumps([written(*["first"] * 4)]),
        json.dumps(written(*["first"] * 4)) + " Done.",
        "```json\n" + json.dumps(written(*["first"] * 4)) + "\n```",
        json.dumps(written(*["first"] * 4))[:-2],
        json.dumps(written(*["first"] * 4) | {"overall": "first"}),
        '{"accuracy": {"reason": "a", "better": "first"}, "accuracy": {"reason": "a", "better": "second"}}',
    ],
)
def test_anything_beside_one_object_is_unreadable(text: str) -> None:
    assert dimensions.read(text, "better", BETTER) == NOTHING


@pytest.mark.parametrize(
    "row",
    [
        None,
        "first",
        {"better": "first"},
        {"reason": "so"},
        {"reason": 3, "better": "first"},
        {"reason": "so", "better": "First"},
        {"reason": "so", "better": "neither"},
        {"reason": "so", "better": True},
        {"reason": "so", "better": "first", "sure": True},
    ],
)
def test_a_dimension_in_another_form_is_unreadable_by_itself(row: object) -> None:
    value = written(*["second"] * 4) | {"accuracy": row}
    assert dimensions.read(json.dumps(value), "better", BETTER) == ("second", None, "second", "second")


@pytest.mark.parametrize("score", [0, 6, 2.5, 3.0, True, "3", None])
def test_a_score_that_is_no_whole_number_from_1_to_5_is_unreadable(score: object) -> None:
    assert dimensions.read(json.dumps(written(score, 1, 5, 3, field="score")), "score", SCORES) == (None, 1, 5, 3)


def test_the_reason_comes_before_the_verdict() -> None:
    for row in dimensions.schema("better", BETTER)["properties"].values():
        assert list(row["properties"]) == ["reason", "better"]
