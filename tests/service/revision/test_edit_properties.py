"""What must hold for every answer and every set of edits: no byte lost, order kept, nothing sent that changes later."""

import json
from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from service.revision.edits import Edit, EditFailure, Operation, apply_edits, conflicts, parse_edit, pieces
from service.revision.guard import Refusal, fitted, refusal, rewrite_refusal
from service.revision.release import Release
from service.revision.rubric import Criterion
from service.revision.sentences import marker, numbered, split
from tests.service.revision.odd_texts import NEW_TEXTS, TEXTS

CRITERIA = st.sampled_from([Criterion("Asks about allergies", 5), Criterion("Recommends 5 mg of warfarin", -8)])
OPERATIONS: st.SearchStrategy[Operation] = st.sampled_from(("insert_after", "replace", "delete"))


@st.composite
def edits_to(draw: st.DrawFn, units: tuple[str, ...], *, fit: bool = True) -> list[Edit]:
    """Edits that do not conflict, as the loop would apply them: several insertions at one place, deletions of all."""
    edits: list[Edit] = []
    for _ in range(draw(st.integers(0, 7))):
        operation = draw(OPERATIONS) if units else "insert_after"
        number = draw(st.integers(0 if operation == "insert_after" else 1, len(units)))
        edit = Edit(operation, number, "" if operation == "delete" else draw(NEW_TEXTS).strip())
        edit = fitted(units, edit) if fit else edit
        if not conflicts(edit, edits):
            edits.append(edit)
    return edits


@settings(deadline=None, max_examples=300)
@given(TEXTS)
def test_no_byte_is_lost_in_splitting(text: str) -> None:
    units = split(text)
    assert "".join(units) == text
    assert len(units) <= 1 or all(unit.strip() for unit in units)
    assert apply_edits(units, []) == text


@settings(deadline=None, max_examples=200)
@given(TEXTS)
def test_numbers_can_be_taken_out_of_the_numbered_answer_again(text: str) -> None:
    units = split(text)
    shown, at = numbered(units), 0
    for number, unit in enumerate(units, start=1):
        core, mark = unit.rstrip(), marker(units, number)
        assert shown.startswith(f"{core} {mark}" if number > 1 or core else mark, at) or not text.strip()
        at += len(core) + 1 + len(mark) + len(unit[len(core) :] or " ")


@settings(deadline=None, max_examples=300)
@given(TEXTS, st.data())
def test_units_that_no_edit_names_stand_byte_for_byte_and_in_order(text: str, data: st.DataObject) -> None:
    units = split(text)
    edits = data.draw(edits_to(units, fit=data.draw(st.booleans())))
    changed = {edit.number for edit in edits if edit.operation != "insert_after"}
    deleted = {edit.number for edit in edits if edit.operation == "delete"}
    touched = {edit.number for edit in edits}
    out = pieces(units, edits)
    assert "".join(out) == apply_edits(units, edits)
    for number, unit in enumerate(units, start=1):
        if number not in changed:
            assert out[number].startswith(unit.rstrip())
        if number not in touched and not deleted:
            assert out[number] == unit
        if number not in touched:
            assert out[number].rstrip() == unit.rstrip()


@settings(deadline=None, max_examples=200)
@given(TEXTS, st.data())
def test_an_answer_without_what_was_inserted_is_the_draft(text: str, data: st.DataObject) -> None:
    units = split(text)
    inserted = "\ue000 new \ue001"
    places = data.draw(st.lists(st.integers(0, len(units)), max_size=4))
    answer = apply_edits(units, [Edit("insert_after", place, f"{inserted}{n}") for n, place in enumerate(places)])
    assume("\ue000" not in text)
    for n in range(len(places)):
        assert answer.count(f"{inserted}{n}") == 1
        answer = answer.replace(f"{inserted}{n}", "")
    assert "".join(answer.split()) == "".join(text.split())


@settings(deadline=None, max_examples=200)
@given(TEXTS)
def test_the_first_the_last_and_all_units_can_be_deleted(text: str) -> None:
    units = split(text)
    assume(text.strip())
    assert apply_edits(units, [Edit("delete", n) for n in range(1, len(units) + 1)]) == ""
    assert apply_edits(units, [Edit("delete", 1)]) == "".join(units[1:])
    without_last = apply_edits(units, [Edit("delete", len(units))])
    assert without_last.rstrip() == "".join(units[:-1]).rstrip()
    tail = text[len(text.rstrip()) :]
    assert without_last == without_last.rstrip() + (tail if without_last else "")


@settings(deadline=None, max_examples=200)
@given(TEXTS, st.data())
def test_what_is_released_is_a_beginning_of_every_answer_that_can_follow(text: str, data: st.DataObject) -> None:
    units = split(text)
    edits = data.draw(edits_to(units))
    release = Release(units, range(len(edits)))
    accepted: list[Edit] = []
    sent = [release.fixed(accepted)]
    placed = data.draw(st.permutations(range(len(edits))))
    for key in placed:
        release.place(key, edits[key].operation, edits[key].number)
        sent.append(release.fixed(accepted))
    for key in data.draw(st.permutations(range(len(edits)))):
        if data.draw(st.booleans()):
            accepted.append(edits[key])
        release.decide(key)
        sent.append(release.fixed(accepted))
    final = apply_edits(units, accepted)
    assert all(later.startswith(earlier) for earlier, later in pairwise(sent))
    assert final.startswith(sent[-1])
    assert final.rstrip() == sent[-1]


@settings(deadline=None, max_examples=300)
@given(TEXTS, CRITERIA, st.data())
def test_the_guard_always_has_an_answer(text: str, criterion: Criterion, data: st.DataObject) -> None:
    units = split(text)
    edits = data.draw(edits_to(units, fit=data.draw(st.booleans())))
    for n, edit in enumerate(edits):
        assert refusal(units, edit, criterion, edits[:n]) in {None, *Refusal}
    assert rewrite_refusal(text, data.draw(TEXTS), [criterion]) in {None, *Refusal}


@settings(deadline=None)
@given(TEXTS, st.data())
def test_fitting_twice_is_fitting_once(text: str, data: st.DataObject) -> None:
    units = split(text)
    for edit in data.draw(edits_to(units)):
        assert fitted(units, edit) == edit


@settings(deadline=None)
@given(st.text(), st.integers(0, 3), OPERATIONS)
def test_an_edit_that_is_read_is_what_was_written(text: str, number: int, operation: Operation) -> None:
    written = {operation: number, "text": text}
    try:
        edit = parse_edit(json.dumps(written), 2)
    except EditFailure:
        return
    assert parse_edit(edit.as_json(), 2) == edit
    assert edit.text in text
