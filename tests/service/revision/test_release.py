import json

from hypothesis import given, settings
from hypothesis import strategies as st

from service.revision.edits import Edit, apply_edits, conflicts, parse_edit
from service.revision.release import Release
from service.revision.sentences import split

UNITS = split("One is first. Two is next.\n- three\n- four\n胸が痛い。休む。 Seven. Eight.")
FRAGMENTS = st.sampled_from(["One. ", "Two! ", "- three\n", "痛い。", "\n\n", "Six.  "])
SENTENCES = st.lists(FRAGMENTS, min_size=1, max_size=6)


def test_nothing_is_fixed_until_every_place_is_known() -> None:
    release = Release(UNITS, ["a", "b"])
    release.place("a", "replace", 3)
    assert release.fixed([]) == ""
    release.place("b", "insert_after", 2)
    assert release.fixed([]) == "One is first. Two is next."


def test_a_replacement_holds_its_own_sentence_back_and_an_insertion_does_not() -> None:
    release = Release(UNITS, ["a"])
    release.place("a", "replace", 1)
    assert release.fixed([]) == ""
    release = Release(UNITS, ["a"])
    release.place("a", "insert_after", 1)
    assert release.fixed([]) == "One is first."


def test_with_all_decided_everything_is_fixed() -> None:
    release = Release(UNITS, ["a"])
    release.place("a", "delete", 1)
    release.decide("a")
    assert release.fixed([]) == "".join(UNITS)


@st.composite
def histories(draw: st.DrawFn) -> tuple[tuple[str, ...], list[Edit], list[tuple[str, int]]]:
    """An answer, the edits to it, and an order in which their places and decisions become known."""
    units = split("".join(draw(SENTENCES)))
    edits: list[Edit] = []
    for word in draw(st.lists(st.sampled_from(["Neu.", "痛。", "- x"]), max_size=5)):
        operation = draw(st.sampled_from(["insert_after", "replace", "delete"]))
        number = draw(st.integers(0 if operation == "insert_after" else 1, len(units)))
        edits.append(parse_edit(json.dumps({operation: number, "text": f"{len(edits)}{word}"}), len(units)))
    steps = [(kind, key) for key in range(len(edits)) for kind in ("place", "keep")]
    return units, edits, draw(st.permutations(steps))


@settings(deadline=None)
@given(histories(), st.data())
def test_what_was_fixed_once_is_in_the_final_answer(
    history: tuple[tuple[str, ...], list[Edit], list[tuple[str, int]]], data: st.DataObject
) -> None:
    units, edits, steps = history
    release = Release(units, range(len(edits)))
    accepted: list[Edit] = []
    decided: set[int] = set()
    fixed = [release.fixed(accepted)]
    for kind, key in steps:
        if kind == "place" and key not in decided:
            release.place(key, edits[key].operation, edits[key].number)
        elif kind == "keep":
            if not conflicts(edits[key], accepted) and data.draw(st.booleans()):
                accepted.append(edits[key])
            release.decide(key)
            decided.add(key)
        fixed.append(release.fixed(accepted))
    final = apply_edits(units, accepted)
    assert all(final.startswith(text) for text in fixed)
    assert final.rstrip() == fixed[-1]
