import math
import operator
from typing import Any

import pytest
from pydantic import ValidationError

from tests.training.data.rows import example, faults_after
from training.data.fields import MAX_LINE_CHARS, MAX_TEXT_CHARS, Message
from training.data.kinds import KINDS
from training.data.rubrics import RubricCriterion


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_each_kind_is_a_record(kind: str) -> None:
    assert faults_after(kind, lambda row: None) == []
    assert KINDS[kind].record.model_validate(example(kind)).model_dump(exclude_unset=True, mode="json") == example(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_key_is_named(kind: str) -> None:
    assert ("unknown_field", "colour") in faults_after(kind, lambda row: row.update(colour="red"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_required_field_is_missed(kind: str) -> None:
    for name, field in KINDS[kind].record.model_fields.items():
        if field.is_required():
            assert ("missing_field", name) in faults_after(kind, operator.methodcaller("pop", name))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("", "empty_text"),
        (" \u200b\u3164", "empty_text"),
        (3, "wrong_type"),
        (None, "wrong_type"),
        (["text"], "wrong_type"),
        ("bell\x07", "control_character"),
        ("half \ud83d", "lone_surrogate"),
        ("x" * (MAX_TEXT_CHARS + 1), "text_too_long"),
    ],
)
def test_a_bad_text_is_refused_for_its_reason(value: Any, kind: str) -> None:
    assert faults_after("query", lambda row: row["prompt"][0].update(content=value)) == [(kind, "prompt.0.content")]


def test_a_text_is_kept_as_it_stands() -> None:
    assert Message(role="user", content=" two\n\tlines ").content == " two\n\tlines "


@pytest.mark.parametrize(("value", "kind"), [("a\nb", "bad_value"), ("y" * (MAX_LINE_CHARS + 1), "text_too_long")])
def test_a_line_is_one_line(value: str, kind: str) -> None:
    change = {"source": value}
    assert faults_after("query", lambda row: row.update(change)) == [(kind, "source")]


@pytest.mark.parametrize("bad", ["", "a b", "-a", "a/b", "x" * 129, "a\n"])
def test_an_id_has_a_plain_form(bad: str) -> None:
    assert faults_after("query", lambda row: row.update(id=bad)) == [("bad_value", "id")]


@pytest.mark.parametrize(
    ("points", "kind"),
    [
        (0, "points"),
        (11, "points"),
        (-11, "points"),
        (10**400, "points"),
        ("5", "wrong_type"),
        (True, "wrong_type"),
        (None, "wrong_type"),
        (2.5, "wrong_type"),
        (math.nan, "wrong_type"),
    ],
)
def test_points_are_whole_signed_and_bounded(points: Any, kind: str) -> None:
    found = faults_after("health_rubric", lambda row: row["drafted_rubric"][0].update(points=points))
    assert found == [(kind, "drafted_rubric.0.points")]


@pytest.mark.parametrize("points", [-10, -1, 1, 10])
def test_points_at_the_bounds_are_taken(points: int) -> None:
    assert RubricCriterion(criterion="Names a red flag", points=points, axis="accuracy").points == points


@pytest.mark.parametrize(
    ("roles", "fields"),
    [
        ([], ["prompt"]),
        (["system"], ["prompt"]),
        (["assistant"], ["prompt.0.role", "prompt.0.role"]),
        (["user", "user"], ["prompt.1.role"]),
        (["user", "assistant"], ["prompt.1.role"]),
        (["user", "system", "user"], ["prompt.1.role"]),
    ],
)
def test_a_prompt_alternates_from_user_and_ends_with_one(roles: list[str], fields: list[str]) -> None:
    prompt = [{"role": role, "content": "text"} for role in roles]
    found = faults_after("query", lambda row: row.update(prompt=prompt))
    assert found == [("roles" if roles else "too_few", field) for field in fields]


def test_a_system_message_may_come_first() -> None:
    prompt = [{"role": role, "content": "text"} for role in ("system", "user", "assistant", "user")]
    assert faults_after("query", lambda row: row.update(prompt=prompt)) == []


def test_a_record_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Message(role="user", content="text").content = "other"  # type: ignore[misc]
