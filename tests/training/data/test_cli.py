import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.data.rows import EXAMPLES, example
from training.__main__ import main as training_main
from training.data.cli import main
from training.data.files import read_records, write_records
from training.data.kinds import KINDS
from training.data.queries import Query
from training.data.seen import SeenIds

ROOT = Path(__file__).parents[3]


def check(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, list[str], str]:
    status = main(["check", *map(str, words)])
    out, err = capsys.readouterr()
    return status, out.splitlines(), err


@pytest.mark.parametrize("kind", KINDS)
def test_the_examples_are_clean_and_tell_their_kind(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, lines, err = check(capsys, EXAMPLES / f"{kind}.jsonl", "--identifiers", "--json")
    summary = json.loads(lines[-1])
    assert (status, err) == (0, "")
    assert (summary["kind"], summary["told_by"], summary["faulty_rows"]) == (kind, "by the fields of line 1", 0)
    assert summary["identifiers_searched"] is True
    assert summary["images_looked_for"] is (kind == "consultation")


def test_every_fault_is_named_by_file_line_and_field(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "rubrics.jsonl"
    row = example("health_rubric")
    bad = example("health_rubric") | {"id": "hr-2", "preference": "c"}
    bad["drafted_rubric"][1]["points"] = 0
    path.write_text("\n".join([json.dumps(row), json.dumps(bad), "{", json.dumps(row)]) + "\n")
    status, lines, _ = check(capsys, path, "--json")
    assert status == 1
    assert lines[0] == f"{path}:2: preference: 'c' is no candidate: a, b, or tie [preference]"
    assert lines[1] == f"{path}:2: drafted_rubric.1.points: points 0 are not in [-10, 10] without 0 [points]"
    assert lines[2].startswith(f"{path}:3: row: not JSON: ")
    assert lines[3] == f"{path}:4: id: the same as on line 1 [duplicate_id]"
    assert lines[4] == f"{path}: 4 rows of health_rubric (by the fields of line 1), 3 with faults"
    summary = json.loads(lines[-1])
    assert summary["faults"] == {"preference": 1, "points": 1, "not_json": 1, "duplicate_id": 1}
    assert (summary["rows"], summary["faulty_rows"], summary["unread_rows"]) == (4, 3, 1)


def test_parquet_is_checked_by_row(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "queries.parquet"
    queries = list(read_records(EXAMPLES / "query.jsonl", Query))
    write_records(path, [*queries, queries[0]], Query)
    status, lines, _ = check(capsys, path)
    assert (status, lines[0]) == (1, f"{path}:3: id: the same as on line 1 [duplicate_id]")


def test_an_identifier_in_a_consultation_is_a_fault(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "consultations.jsonl"
    row = example("consultation")
    row["turns"][2]["text"] = "My name is Rosalind Achterberg."
    row["images"][0]["ocr_text"] = "MRN: 4471902"
    path.write_text(json.dumps(row) + "\n")
    status, lines, _ = check(capsys, path, "--images", EXAMPLES)
    assert status == 1
    assert lines[:2] == [
        f"{path}:1: images.0.ocr_text: looks like record_number at characters 0 to 12: M*** 4****** [identifier]",
        f"{path}:1: turns.2.text: looks like name at characters 11 to 30: R******* A******** [identifier]",
    ]
    assert "Achterberg" not in "".join(lines)


def test_images_are_looked_for_unless_told_not_to(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "consultations.jsonl"
    path.write_text(json.dumps(example("consultation")) + "\n")
    status, lines, _ = check(capsys, path)
    assert (status, lines[0]) == (
        1,
        f"{path}:1: images.0.path: no file 'images/ankle.png' in the image folder [image]",
    )
    status, lines, _ = check(capsys, path, "--no-images")
    assert (status, lines[-1]) == (0, "identifiers: searched; image files: not looked for")
    assert check(capsys, path, "--images", EXAMPLES)[0] == 0
    absent = tmp_path / "absent"
    assert check(capsys, path, "--images", absent) == (2, [], f"error: {absent}: no such folder\n")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.jsonl", None, "No such file"),
        ("rows.csv", b"a", "the suffix '.csv'"),
        ("rows.jsonl", b'{"id": "\xff"}\n', "not UTF-8 at byte 8"),
        ("rows.jsonl", b"{}\n", "none of the first 1 rows has the fields of exactly one kind"),
        ("rows.jsonl", b"", "none of the first 0 rows"),
        ("rows.parquet", b"", "not readable as Parquet"),
    ],
)
def test_a_wrong_question_is_status_2(
    name: str, content: bytes | None, message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    status, lines, err = check(capsys, path)
    assert (status, lines) == (2, [])
    assert err.startswith("error: ")
    assert message in err


def test_a_file_without_rows_is_not_clean(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"")
    assert check(capsys, path, "--kind", "query") == (2, [], f"error: {path}: holds no row\n")


def test_faults_before_an_unreadable_place_are_given(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"id": "q"}\n\xff\n')
    status, lines, err = check(capsys, path, "--kind", "query")
    assert (status, len(lines), err) == (2, 1, f"error: {path}: not UTF-8 at byte 12: invalid start byte\n")


def test_a_disk_that_is_full_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: SeenIds, id_: str, line: int) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(SeenIds, "first_line", full)
    status, lines, err = check(capsys, EXAMPLES / "query.jsonl")
    assert (status, lines) == (2, [])
    assert err == "error: the ids seen so far could not be kept on disk: database or disk is full\n"


def test_an_unknown_kind_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["check", "rows.jsonl", "--kind", "poem"])
    assert raised.value.code == 2
    assert "invalid choice: 'poem'" in capsys.readouterr().err


def test_a_folder_that_is_no_model_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, _, err = check(capsys, EXAMPLES / "query.jsonl", "--ner", tmp_path)
    assert (status, err) == (2, f"error: {tmp_path}: no config.json: not a model's folder\n")


def test_a_fault_shows_no_terminal_codes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"id": "q", "\x1b[31m\n": 1, "prompt": [{"role": "user", "content": "text"}]}) + "\n")
    status, lines, _ = check(capsys, path, "--kind", "query")
    assert (status, len(lines)) == (1, 4)
    assert "\x1b" not in "".join(lines)


def test_the_measured_figures_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert training_main(["data", "identifiers", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (figures["recall"], figures["sentences"]) == (0.9901, 175)


def test_checking_needs_no_torch() -> None:
    code = (
        "import sys\nfrom training.__main__ import main\n"
        f"assert main(['data', 'check', {str(EXAMPLES / 'consultation.jsonl')!r}]) == 0\n"
        "assert not {'torch', 'transformers', 'pyarrow', 'fastapi'} & sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_leaves_ends_the_check(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": "q"}\n' * 5_000)
    command = f"{sys.executable} -m training data check {path} --kind query | head -1"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == f"{path}:1: prompt: is missing [missing_field]\n"
    assert done.stderr == ""
