import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.files import FaultyRow
from training.data.jsonl import UnreadableFile
from training.distil.criteria import Asked, collect, read_rubrics

EXAMPLES = Path(__file__).parents[3] / "training" / "data" / "examples"


def test_the_same_text_of_several_rubrics_is_one_criterion_with_their_ids() -> None:
    asked = [
        Asked("Asks when it  began", 4, "context_awareness", "q1"),
        Asked("asks when it began", 8, None, "q2"),
        Asked("Asks when it began", 6, "context_awareness", "q2"),
        Asked("Names a dose", 3, None, "q2"),
    ]
    first, second = collect(asked)
    assert (first.text, first.points, first.axis) == ("Asks when it began", 6, "context_awareness")
    assert first.questions == ("q1", "q2")
    assert (second.text, second.questions) == ("Names a dose", ("q2",))


def test_points_and_their_loss_are_two_criteria() -> None:
    first, second = collect([Asked("Recommends rest", 3, None, "q1"), Asked("Recommends rest", -3, None, "q2")])
    assert (first.sign, second.sign) == (1, -1)
    assert first.key != second.key


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([-2, 1, 5]), st.sampled_from("xyz"))))
def test_every_asked_criterion_is_kept_once_with_its_question(rows: list[tuple[str, int, str]]) -> None:
    found = collect([Asked(text, points, None, question) for text, points, question in rows])
    held = {(c.text, c.sign, question) for c in found for question in c.questions}
    assert held == {(text, 1 if points > 0 else -1, question) for text, points, question in rows}
    assert len({criterion.key for criterion in found}) == len(found)


def test_both_kinds_of_rubrics_are_read() -> None:
    questions, asked = read_rubrics(EXAMPLES / "health_rubric.jsonl")
    edited = json.loads((EXAMPLES / "health_rubric.jsonl").read_text().splitlines()[0])["edited_rubric"]
    assert [one.text for one in asked if one.question == questions[0].id] == [row["criterion"] for row in edited]
    questions, asked = read_rubrics(EXAMPLES / "healthbench.jsonl")
    first = json.loads((EXAMPLES / "healthbench.jsonl").read_text().splitlines()[0])
    assert questions[0].id == first["prompt_id"]
    assert asked[0].axis == "accuracy"


def test_rows_without_rubrics_are_refused() -> None:
    with pytest.raises(UnreadableFile, match=r"rows of query, which hold no rubrics; expected health_rubric"):
        read_rubrics(EXAMPLES / "query.jsonl")


def test_a_repeated_id_is_named_with_both_rows(tmp_path: Path) -> None:
    line = (EXAMPLES / "healthbench.jsonl").read_text().splitlines()[0]
    path = tmp_path / "rubrics.jsonl"
    path.write_text(f"{line}\n{line}\n")
    with pytest.raises(FaultyRow, match=r"rubrics.jsonl:2: prompt_id: .* is taken by row 1 \[duplicate_id\]"):
        read_rubrics(path)
