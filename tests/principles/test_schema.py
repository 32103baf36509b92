"""The schema refuses what would mislead later: wrong signs, long titles, unknown fields."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from pydantic import ValidationError

from principles.schema import Applies, Principle, Review, Scenario

EMERGENCY = Scenario(urgency="emergent", uncertainty="none", expertise="lay", task_type="triage")


def record(**changes: Any) -> dict[str, Any]:
    return {
        "id": "urgency.call-first",
        "dimension": "urgency",
        "title": "Call for help first",
        "applies": {"urgency": ["emergent"]},
        "polarity": "do",
        "statement": "Tells the reader to call for help.",
        "why": "Help takes time to arrive.",
        "points": 8,
    } | changes


def faults(**changes: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Principle.model_validate(record(**changes))
    return str(caught.value)


def test_a_valid_record_gets_the_defaults() -> None:
    principle = Principle.model_validate(record())
    assert principle.basis == "clinical-consensus"
    assert principle.review == Review(status="unreviewed", reviewer=None, date=None)
    assert principle.applies == Applies(urgency=("emergent",))


def test_records_are_frozen_and_closed() -> None:
    principle = Principle.model_validate(record())
    with pytest.raises(ValidationError, match="frozen"):
        setattr(principle, "points", 1)  # noqa: B010 - a plain assignment is refused by mypy already
    assert "Extra inputs are not permitted" in faults(severity="high")


@pytest.mark.parametrize(
    ("points", "polarity", "reason"),
    [
        (-3, "do", "points -3 do not fit polarity do"),
        (3, "avoid", "points 3 do not fit polarity avoid"),
        (0, "do", "points 0 do not fit"),
        (11, "do", "less than or equal to 10"),
        (-11, "avoid", "greater than or equal to -10"),
        (2.0, "do", "valid integer"),
    ],
)
def test_points_follow_polarity_and_range(points: object, polarity: str, reason: str) -> None:
    assert reason in faults(points=points, polarity=polarity)


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ("Call first", "title has 2 words"),
        ("One two three four five six seven eight", "title has 8 words"),
        ("Communicate uncertainties straightforwardly always", "title has 50 characters"),
        ("Call for help, first", "only words, single spaces and hyphens"),
        ("Call  for help", "only words, single spaces and hyphens"),
    ],
)
def test_titles_are_short_and_bare(title: str, reason: str) -> None:
    assert reason in faults(title=title)


def test_a_hyphen_is_allowed_in_a_title() -> None:
    assert Principle.model_validate(record(title="Give if-then advice meanwhile")).title.startswith("Give")


@pytest.mark.parametrize("id_", ["call-first", "urgency.Call", "urgency.call_first", "style.call-first", "urgency."])
def test_ids_have_a_dimension_and_a_slug(id_: str) -> None:
    assert "should match pattern" in faults(id=id_)


def test_the_id_names_the_own_dimension() -> None:
    assert "does not begin with the dimension urgency" in faults(id="expertise.call-first")


def test_an_empty_applies_admits_everything() -> None:
    assert Applies().admits(EMERGENCY)


@pytest.mark.parametrize(
    ("applies", "admitted"),
    [
        (Applies(urgency=("emergent", "non_emergent")), True),
        (Applies(urgency=("non_emergent",)), False),
        (Applies(uncertainty=("reducible",)), False),
        (Applies(expertise=("professional",)), False),
        (Applies(task_type=("support",)), False),
        (Applies(urgency=("emergent",), expertise=("professional",)), False),
        (Applies(urgency=("emergent",), uncertainty=("none",), expertise=("lay",), task_type=("triage",)), True),
    ],
)
def test_every_constrained_dimension_must_hold(applies: Applies, admitted: bool) -> None:
    assert applies.admits(EMERGENCY) is admitted


def test_a_review_names_who_and_when() -> None:
    with pytest.raises(ValidationError, match="status accepted needs a reviewer and a date"):
        Review(status="accepted", reviewer="A. Physician")
    assert Review(status="accepted", reviewer="A. Physician", date=dt.date(2026, 1, 2)).status == "accepted"
