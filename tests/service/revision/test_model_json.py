"""Whatever a model writes where JSON is expected, the readers return plain data or raise only what they declare."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.revision.critique import parse_critique
from service.revision.edits import MAX_EDIT_CHARS, Edit, EditFailure, parse_edit
from service.revision.rubric import MAX_CRITERIA, MAX_CRITERION_CHARS, Criterion, RubricFailure, parse_rubric
from service.revision.strict_json import NotStrictJSON, is_visible, read_json

IDS = ("urgency.a", "urgency.b")
KEYS = st.sampled_from(
    ["insert_after", "replace", "delete", "text", "criterion", "points", "principle", "n", "met", "reason", "x"]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-12, 12),
    st.floats(),
    st.text(st.characters(), max_size=6),
    st.sampled_from(["\ud800", "\x00", "\u200b", "a\nb", " ", "yes", "1"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=10,
)
WRITTEN = st.one_of(st.text(), VALUES.map(json.dumps), VALUES.map(lambda value: json.dumps(value, ensure_ascii=False)))
DEEP = ["[" * 200_000, '{"a":' * 200_000, "[" * 2_000 + "]" * 2_000]


def can_be_sent(text: str) -> bool:
    return text.encode().decode() == text


@settings(deadline=None, max_examples=200)
@given(WRITTEN, st.integers(0, 5))
def test_any_text_is_an_edit_or_an_edit_failure(text: str, sentences: int) -> None:
    try:
        edit = parse_edit(text, sentences)
    except EditFailure:
        return
    assert (0 if edit.operation == "insert_after" else 1) <= edit.number <= sentences
    assert can_be_sent(edit.text)
    assert bool(edit.text) is (edit.operation != "delete")


@settings(deadline=None, max_examples=200)
@given(st.one_of(WRITTEN, st.lists(VALUES, max_size=8).map(json.dumps)))
def test_any_text_is_a_rubric_or_a_rubric_failure(text: str) -> None:
    try:
        criteria = parse_rubric(text, IDS)
    except RubricFailure:
        return
    assert 1 <= len(criteria) <= MAX_CRITERIA
    for criterion in criteria:
        assert can_be_sent(criterion.text)
        assert is_visible(criterion.text)
        assert "\n" not in criterion.text
        assert criterion.points in range(-10, 11)
        assert criterion.points


@settings(deadline=None, max_examples=200)
@given(st.one_of(WRITTEN, st.lists(VALUES, max_size=8).map(json.dumps)))
def test_any_text_is_a_list_of_verdicts(text: str) -> None:
    met = parse_critique(text, 3)
    assert len(met) == 3
    assert set(met) <= {True, False, None}


@pytest.mark.parametrize("text", DEEP, ids=["lists", "objects", "closed"])
def test_deep_nesting_is_a_declared_failure(text: str) -> None:
    with pytest.raises(EditFailure):
        parse_edit(text, 3)
    with pytest.raises(RubricFailure):
        parse_rubric(text, IDS)
    assert parse_critique(text, 2) == [None, None]


@pytest.mark.parametrize(
    "text",
    [
        '{"replace":1,"replace":2,"text":"a"}',
        '{"replace":1,"text":"a","text":"b"}',
        '{"replace":1,"text":"\\ud800"}',
        '{"replace":1,"text":"\\u0000a"}',
        '{"replace":1,"text":"a\\u001b[2J"}',
        '{"replace":1,"text":"\\u200b\\u200d"}',
        '{"replace":1,"text":"\\u3164"}',
        '{"replace":1.0,"text":"a"}',
        '{"replace":true,"text":"a"}',
        '{"replace":"1","text":"a"}',
        '{"replace":1,"text":["a"]}',
        '{"replace":NaN,"text":"a"}',
        '{"delete":' + "9" * 5000 + "}",
        json.dumps({"replace": 1, "text": "x" * (MAX_EDIT_CHARS + 1)}),
    ],
)
def test_edits_that_cannot_be_trusted(text: str) -> None:
    with pytest.raises(EditFailure):
        parse_edit(text, 3)


def test_superfluous_keys_and_line_breaks_in_an_edit_do_no_harm() -> None:
    assert parse_edit('{"why":"x","replace":1,"text":"a\\n\\tb"}', 1) == Edit("replace", 1, "a\n\tb")
    assert parse_edit('{"delete":1,"text":"left over"}', 1) == Edit("delete", 1)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Names it\n2. Ignore the rest", "Names it 2. Ignore the rest"),
        ("Names\x00 it\x1b", "Names it"),
        ("  Names \u2028 it ", "Names it"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("x" * 500, "x" * MAX_CRITERION_CHARS),
    ],
)
def test_a_criterion_is_one_line_of_text(text: str, read: str) -> None:
    assert parse_rubric(json.dumps([{"criterion": text, "points": 3}]), IDS) == (Criterion(read, 3),)


@pytest.mark.parametrize(
    "row",
    [
        {"criterion": "\u200b", "points": 1},
        {"criterion": "\ud800", "points": 1},
        {"criterion": "a", "points": "5"},
        {"criterion": "a", "points": 1, "principle": True},
        {"criterion": ["a"], "points": 1},
    ],
)
def test_criteria_that_cannot_be_trusted(row: dict[str, Any]) -> None:
    with pytest.raises(RubricFailure):
        parse_rubric(json.dumps([row]), IDS)


def test_a_rubric_of_ten_thousand_rows_gives_six_criteria() -> None:
    rows = [{"criterion": f"c{n}", "points": 1} for n in range(10_000)]
    assert len(parse_rubric(json.dumps(rows), IDS)) == MAX_CRITERIA


def test_true_is_not_the_number_one() -> None:
    assert parse_critique('[{"n":true,"met":true},{"n":2,"met":true}]', 2) == [None, True]


@pytest.mark.parametrize("text", ["", "{", '"\\ud800"', "NaN", "-Infinity", '{"a":1,"a":1}', "\ufeff{}", '["\ud800"]'])
def test_what_is_not_strict_json(text: str) -> None:
    with pytest.raises(NotStrictJSON):
        read_json(text)
