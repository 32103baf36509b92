import json
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.training.data.rows import EXAMPLES, example
from training.data.check import Rules, Tally, check_rows
from training.data.faults import Fault, FaultKind
from training.data.identifiers import Identifier, IdentifierKind
from training.data.jsonl import RawRow, read_jsonl
from training.data.kinds import KINDS


class Marked:
    """A recogniser that finds the word SECRET."""

    def find(self, text: str) -> Sequence[Identifier]:
        at = text.find("SECRET")
        return [Identifier(at, at + 6, IdentifierKind.NAME)] if at >= 0 else []


def raw(*values: object) -> Iterator[RawRow]:
    return (RawRow(line, value, (), 1.0) for line, value in enumerate(values, start=1))


def found(rules: Rules, *values: object) -> list[tuple[int, str, str]]:
    rows = check_rows(raw(*values), rules)
    return [(fault.line, str(fault.kind), fault.field) for _, faults in rows for fault in faults]


def test_an_id_may_come_once() -> None:
    query = example("query")
    rules = Rules(KINDS["query"])
    assert found(rules, query, query | {"id": "q-2"}, query) == [(3, "duplicate_id", "id")]
    rows = list(check_rows(raw(query, query), rules))
    assert rows[1][1] == [Fault(2, FaultKind.DUPLICATE_ID, ("id",), "the same as on line 1")]


def test_a_row_of_labels_is_told_apart_by_answer_and_criterion() -> None:
    row = example("healthbench_labels")
    rules = Rules(KINDS["healthbench_labels"])
    assert found(rules, row, row | {"rubric": "Another criterion"}, row) == [(3, "duplicate_id", "completion_id")]


def test_a_faulty_row_keeps_its_id_and_ids_of_another_type_are_left_to_their_own_fault() -> None:
    query = example("query")
    rules = Rules(KINDS["query"])
    assert found(rules, query | {"prompt": []}, query, query | {"id": 7}) == [
        (1, "too_few", "prompt"),
        (2, "duplicate_id", "id"),
        (3, "wrong_type", "id"),
    ]


def test_a_row_of_another_kind_is_one_fault() -> None:
    assert found(Rules(KINDS["query"]), example("query"), example("comparison")) == [(2, "other_kind", "row")]


def test_a_row_that_is_no_object_is_one_fault() -> None:
    assert found(Rules(KINDS["query"]), [1]) == [(1, "wrong_type", "row")]


def test_identifiers_are_found_in_every_text_and_shown_masked() -> None:
    row = example("consultation")
    row["turns"][0]["text"] = "This is SECRET."
    row["turns"][1]["text_raw"] = "SECRET"
    row["images"][0]["ocr_text"] = "SECRET"
    row["department"] = "SECRET"
    rows = check_rows(raw(row), Rules(KINDS["consultation"], [Marked()]))
    faults = [fault for _, faults in rows for fault in faults if fault.kind == FaultKind.IDENTIFIER]
    assert {fault.field for fault in faults} == {"images.0.ocr_text", "turns.0.text", "turns.1.text_raw"}
    assert {fault.message for fault in faults if fault.field == "turns.0.text"} == {
        "looks like name at characters 8 to 14: S*****"
    }


def test_identifiers_are_found_also_where_the_row_is_faulty_otherwise() -> None:
    row = example("query") | {"prompt": [{"role": "user", "content": "SECRET", "colour": 1}]}
    assert found(Rules(KINDS["query"], [Marked()]), row) == [
        (1, "unknown_field", "prompt.0.colour"),
        (1, "identifier", "prompt.0.content"),
    ]


def test_image_files_are_looked_for(tmp_path: Path) -> None:
    row = example("consultation")
    assert found(Rules(KINDS["consultation"], images=EXAMPLES), row) == []
    assert found(Rules(KINDS["consultation"], images=tmp_path), row) == [(1, "image", "images.0.path")]
    row["images"][0]["path"] = "x" * 1_500
    assert found(Rules(KINDS["consultation"], images=tmp_path), row) == [(1, "image", "images.0.path")]


def test_a_tally_counts_rows_and_faults() -> None:
    tally = Tally()
    query = example("query")
    for row, faults in check_rows(raw(query, query | {"prompt": [], "x": 1}, query), Rules(KINDS["query"])):
        tally.add(row, faults)
    assert (tally.rows, tally.faulty_rows, tally.unread_rows) == (3, 2, 0)
    assert tally.faults == {FaultKind.TOO_FEW: 1, FaultKind.UNKNOWN_FIELD: 1, FaultKind.DUPLICATE_ID: 2}


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    query = example("query")
    with path.open("w") as file:
        for number in range(5_000):
            file.write(json.dumps(query | {"id": f"q-{number}"}) + "\n")
    tracemalloc.start()
    assert sum(len(faults) for _, faults in check_rows(read_jsonl(path), Rules(KINDS["query"]))) == 0
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000
