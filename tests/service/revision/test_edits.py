import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.revision.edits import (
    Edit,
    EditFailure,
    apply_edits,
    conflicts,
    edit_schema,
    is_editable,
    parse_edit,
    pieces,
)
from service.revision.sentences import split

WORDS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)
SENTENCES = st.lists(WORDS.map(lambda word: f"{word}. "), min_size=1, max_size=8)


@st.composite
def edited_answers(draw: st.DrawFn) -> tuple[tuple[str, ...], list[Edit]]:
    units = split("".join(draw(SENTENCES)))
    edits: list[Edit] = []
    for _ in range(draw(st.integers(0, 5))):
        operation = draw(st.sampled_from(["insert_after", "replace", "delete"]))
        number = draw(st.integers(0 if operation == "insert_after" else 1, len(units)))
        edit = parse_edit(json.dumps({operation: number, "text": draw(WORDS) + "!"}), len(units))
        if not conflicts(edit, edits):
            edits.append(edit)
    return units, edits


@settings(deadline=None)
@given(edited_answers())
def test_untouched_units_stand_byte_for_byte_and_in_order(case: tuple[tuple[str, ...], list[Edit]]) -> None:
    units, edits = case
    changed = {edit.number for edit in edits if edit.operation != "insert_after"}
    answer, at = apply_edits(units, edits), 0
    for number, unit in enumerate(units, start=1):
        if number not in changed:
            found = answer.find(unit.strip(), at)
            assert found >= 0
            at = found + len(unit.strip())


@settings(deadline=None)
@given(edited_answers())
def test_units_away_from_every_edit_keep_their_white_space(case: tuple[tuple[str, ...], list[Edit]]) -> None:
    units, edits = case
    out = pieces(units, edits)
    touched = {edit.number for edit in edits}
    for number, unit in enumerate(units, start=1):
        if number not in touched and number < len(units):
            assert out[number] == unit


@settings(deadline=None)
@given(st.text())
def test_no_edit_changes_nothing(text: str) -> None:
    assert apply_edits(split(text), []) == text


@pytest.mark.parametrize(
    ("edits", "answer"),
    [
        ([Edit("insert_after", 0, "Zero.")], "Zero. One. Two.\n- a\n- b\n"),
        ([Edit("insert_after", 1, "New.")], "One. New. Two.\n- a\n- b\n"),
        ([Edit("insert_after", 3, "- c")], "One. Two.\n- a\n- c\n- b\n"),
        ([Edit("insert_after", 4, "- c"), Edit("insert_after", 4, "- d")], "One. Two.\n- a\n- b\n- c\n- d\n"),
        ([Edit("replace", 2, "Zwei.")], "One. Zwei.\n- a\n- b\n"),
        ([Edit("delete", 1)], "Two.\n- a\n- b\n"),
        ([Edit("delete", 3), Edit("insert_after", 3, "- c")], "One. Two.\n- c\n- b\n"),
    ],
)
def test_applying(edits: list[Edit], answer: str) -> None:
    assert apply_edits(split("One. Two.\n- a\n- b\n"), edits) == answer


@pytest.mark.parametrize(
    ("text", "edits", "answer"),
    [
        # a paragraph, a list and a table stay apart from what follows when their last line goes
        ("Ao. Bo.\n\nC.", [Edit("delete", 2)], "Ao.\n\nC."),
        ("Ao. Do this:\n- a\n", [Edit("delete", 2)], "Ao.\n- a\n"),
        ("- a\n- b\n\nC.", [Edit("delete", 2)], "- a\n\nC."),
        ("Ao. Bo.\n\nCo. Do.", [Edit("delete", 2), Edit("delete", 3)], "Ao.\n\nDo."),
        ("Ao. Bo.\n", [Edit("delete", 2)], "Ao.\n"),
        ("Ao.\r\nB.\r\n", [Edit("delete", 2)], "Ao.\r\n"),
        # lines that are forms of their own get their own lines
        ("# T\n\nA.", [Edit("insert_after", 1, "N.")], "# T\n\nN.\n\nA."),
        ("# T\nA.", [Edit("insert_after", 1, "N.")], "# T\n\nN.\nA."),
        ("- a\n- b\nC.", [Edit("insert_after", 2, "N.")], "- a\n- b\n\nN.\nC."),
        ("| a |\n|---|\n| b |\nC.", [Edit("insert_after", 3, "N.")], "| a |\n|---|\n| b |\n\nN.\nC."),
        ("```\nx\n```\nC.", [Edit("insert_after", 1, "N.")], "```\nx\n```\n\nN.\nC."),
        ("Ao.\n", [Edit("insert_after", 1, "- n"), Edit("insert_after", 1, "- m")], "Ao.\n\n- n\n- m\n"),
        ("Ao.\nB.", [Edit("insert_after", 1, "- n")], "Ao.\n\n- n\n\nB."),
        ("# T\n", [Edit("insert_after", 0, "N.")], "N.\n\n# T\n"),
        ("- a\r\n- b\r\n", [Edit("insert_after", 1, "- n")], "- a\r\n- n\r\n- b\r\n"),
        # the second sentence of an item stays in it
        ("- Ao. Bo.\n- c\n", [Edit("insert_after", 1, "N.")], "- Ao. N. Bo.\n- c\n"),
        # insert and replace at one place; blank texts and none
        ("Ao. Bo.", [Edit("replace", 1, "Xo."), Edit("insert_after", 1, "N.")], "Xo. N. Bo."),
        ("Ao. Bo.", [Edit("delete", 1), Edit("delete", 2)], ""),
        ("\n\nAo. Bo.", [Edit("replace", 1, "Xo.")], "\n\nXo. Bo."),
        ("", [Edit("insert_after", 0, "N.")], "N."),
    ],
)
def test_applying_to_odd_forms(text: str, edits: list[Edit], answer: str) -> None:
    assert apply_edits(split(text), edits) == answer


def test_an_answer_of_thousands_of_sentences_is_not_edited() -> None:
    assert is_editable(split("One two. " * 1000))
    assert not is_editable(split("One two. " * 1001))
    assert is_editable(["x" * 100_000])
    assert not is_editable(["x" * 100_001])


def test_a_deleted_last_sentence_leaves_no_space_behind() -> None:
    assert apply_edits(split("One. Two."), [Edit("delete", 2)]) == "One."


def test_chinese_gets_no_space() -> None:
    assert apply_edits(split("请休息。多喝水。"), [Edit("insert_after", 1, "请就医。")]) == "请休息。请就医。多喝水。"


@pytest.mark.parametrize("edit", [Edit("insert_after", 0, 'a "b"'), Edit("replace", 2, "né"), Edit("delete", 1)])
def test_an_edit_is_read_as_it_was_written(edit: Edit) -> None:
    assert parse_edit(edit.as_json(), 2) == edit


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"replace":1}', '{"replace":1,"text":" "}', '{"replace":0,"text":"a"}',
        '{"replace":3,"text":"a"}',
        '{"delete":1,"replace":1,"text":"a"}', '{"delete":true}', '{"delete":"1"}', '{"insert_after":-1,"text":"a"}',
        '{"insert_after":1,"text":5}', '{"insert_after":1,"text":"cut',
    ],
)  # fmt: skip
def test_unreadable_edits(text: str) -> None:
    with pytest.raises(EditFailure):
        parse_edit(text, 2)


def test_two_edits_conflict_when_they_rewrite_one_sentence_or_say_the_same() -> None:
    accepted = [Edit("replace", 2, "New."), Edit("insert_after", 1, "Call now.")]
    assert conflicts(Edit("delete", 2), accepted)
    assert conflicts(Edit("insert_after", 3, "call NOW."), accepted)
    assert not conflicts(Edit("insert_after", 2, "Other."), accepted)
    assert not conflicts(Edit("replace", 1, "Other."), accepted)


def test_the_schema_admits_just_the_places_that_exist() -> None:
    insert, replace, delete = edit_schema(2)["anyOf"]
    assert insert["properties"]["insert_after"] == {"type": "integer", "minimum": 0, "maximum": 2}
    assert replace["properties"]["replace"] == {"type": "integer", "minimum": 1, "maximum": 2}
    assert delete["properties"] == {"delete": {"type": "integer", "minimum": 1, "maximum": 2}}


def test_the_schema_does_not_grow_with_the_answer() -> None:
    assert len(json.dumps(edit_schema(10_000))) - len(json.dumps(edit_schema(1))) == 12
    assert len(edit_schema(0)["anyOf"]) == 1
