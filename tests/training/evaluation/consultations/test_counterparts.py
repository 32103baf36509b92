"""Counterparts from files and from other runs."""

from pathlib import Path

import pytest

from tests.training.evaluation.consultations.held import answered, transcript
from training.data.files import FaultyRow
from training.evaluation.consultations.counterparts import (
    Counterparts,
    MissingCounterpart,
    of_rows,
    read_counterparts,
    write_transcripts,
)
from training.evaluation.rows import Row


def row(name: str, reply: str, epoch: int = 1) -> Row:
    extra = {"transcript": [list(utterance) for utterance in transcript(reply)]}
    return Row(name, epoch, name, {}, (), 0, 0, "", answered(reply, extra=extra), {})


def test_a_runs_consultations_come_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "them.jsonl"
    rows = [row("case-1", "多休息。"), row("case-1", "Later.", epoch=2), row("case-2", "Rest.")]
    assert write_transcripts(rows, "them", path) == 2
    read = read_counterparts([path])
    assert read == of_rows(rows, "them")
    assert read.of("case-1") == {"them": transcript("多休息。")}
    assert [each.name for each in tmp_path.iterdir()] == ["them.jsonl"]


def test_several_counterparts_can_be_joined() -> None:
    one, other = of_rows([row("case-1", "a")], "one"), of_rows([row("case-1", "b")], "other")
    assert list((one | other).of("case-1")) == ["one", "other"]
    with pytest.raises(ValueError, match="two counterparts are called one"):
        one | one


def test_the_name_tells_the_content() -> None:
    one, other = of_rows([row("case-1", "a")], "them"), of_rows([row("case-1", "b")], "them")
    assert one.name.startswith("them@")
    assert one.name == of_rows([row("case-1", "a")], "them").name != other.name


def test_a_missing_case_is_named() -> None:
    with pytest.raises(MissingCounterpart, match="case-2 has no consultation by them"):
        of_rows([row("case-1", "a")], "them").of("case-2")
    with pytest.raises(MissingCounterpart, match="by any counterpart"):
        Counterparts({}).of("case-1")


def test_a_row_without_a_transcript_is_no_counterpart() -> None:
    plain = Row("case-1", 1, "case-1", {}, (), 0, 0, "", answered("a"), {})
    with pytest.raises(ValueError, match="case-1: its transcript is no list"):
        of_rows([plain], "them")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('{"case": "c", "counterpart": "t"}', ":1: transcript: is missing"),
        ('{"case": "c", "counterpart": "t", "transcript": []}', ":1: transcript: is no list"),
        ('{"case": "c", "counterpart": "t", "transcript": [["doctor", "a"], ["patient", "b"]]}', "the patient's"),
        (
            '{"case": "c", "counterpart": "t", "transcript": [["patient", "a"], ["doctor", "b"]]}\n' * 2,
            ":2: case: 't' has",
        ),
        ("nonsense", ":1: row: not JSON"),
    ],
)
def test_faulty_lines_are_refused(tmp_path: Path, lines: str, told: str) -> None:
    path = tmp_path / "them.jsonl"
    path.write_text(lines, encoding="utf-8")
    with pytest.raises(FaultyRow, match=told):
        read_counterparts([path])
