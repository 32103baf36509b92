"""MedDiagnose's CSV: speakers, attachments, faults, and the released script's leniency."""

import csv
from pathlib import Path

import pytest

from training.data.files import FaultyRow
from training.data.jsonl import UnreadableFile
from training.evaluation.consultations.meddiagnose import load_meddiagnose

MARK = "<attachment>"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for case, name in (("7", "a1.png"), ("7", "b2.jpg"), ("8", "a1.png")):
        path = tmp_path / "images" / case / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"image")
    return tmp_path / "images"


def written(tmp_path: Path, *rows: tuple[str, str], header: tuple[str, ...] = ("Id", "Response")) -> Path:
    path = tmp_path / "cases.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([header, *rows])
    return path


def test_lines_become_turns_with_either_colon(tmp_path: Path, images: Path) -> None:
    path = written(tmp_path, ("7", "患者:头疼。\n医生\uff1a多久了。\n\n患者\uff1a两天: 很重。\r\n医生: 休息。"))
    [case] = load_meddiagnose(path, images)
    assert (case.id, case.source) == ("meddiagnose-7", "MedDiagnose")
    assert [turn.text for turn in case.patient] == ["头疼。", "两天: 很重。"]
    assert case.doctor == ("多久了。", "休息。")


def test_attachments_are_files_of_the_case(tmp_path: Path, images: Path) -> None:
    said = f"患者:看{MARK}a1\uff0cb2{MARK}这里\n医生:好\n患者:{MARK}a1{MARK}\n医生:好"
    first, second = load_meddiagnose(written(tmp_path, ("7", said), ("8", f"患者:{MARK}a1{MARK}\n医生:好")), images)
    assert [turn.text for turn in first.patient] == ["看这里", ""]
    assert first.patient[0].images == (str(images / "7/a1.png"), str(images / "7/b2.jpg"))
    assert first.patient[1].images == (str(images / "7/a1.png"),)
    assert second.images == (str(images / "8/a1.png"),)


@pytest.mark.parametrize(
    ("response", "told"),
    [
        ("患者:a\n患者:b\n医生:c", r"cases\.csv:1: Response: line 2 is the patient's, and the doctor's is due"),
        ("医生:a\n患者:b", "line 1 is the doctor's, and the patient's is due"),
        ("患者:a\n\n医生:b\n患者:c", "line 4, the last, is the patient's and has no reply"),
        ("患者:a\n医生:b\n还有", "line 3 begins with neither"),
        ("", "no exchange"),
        ("患者:\n医生:b", "line 1 says and shows nothing"),
        (f"患者:{MARK}a1\n医生:b", "line 1: <attachment> is opened and not closed"),
        (f"患者:{MARK}zz{MARK}\n医生:b", "line 1: no image 'zz'"),
        (f"患者:{MARK}../8/a1.png{MARK}\n医生:b", "line 1: '../8/a1.png' is no name of a file"),
        (f"患者:{MARK}https://example.org/a.png{MARK}\n医生:b", "is no name of a file"),
        (f"患者:{MARK}{MARK}a\n医生:b", "line 1: '' is no name of a file"),
        (f"患者:a\n医生:{MARK}a1{MARK}", "line 2: a doctor shows no image"),
        ("患者:" + MARK + ",".join(["a1"] * 31) + MARK + "\n医生:b", "31 images, and a prompt holds at most 30"),
    ],
)
def test_faults_name_file_row_and_line(tmp_path: Path, images: Path, response: str, told: str) -> None:
    with pytest.raises(FaultyRow, match=told):
        load_meddiagnose(written(tmp_path, ("7", response)), images)


@pytest.mark.parametrize(
    ("response", "patient", "doctor"),
    [
        ("患者:a\n患者:b\n医生:c", ["a"], ("c",)),
        ("医生:z\n患者:a\n医生:b\n医生:c\n患者:d", ["a"], ("b",)),
        ("患者:a\n还有\n医生:b\n患者:c", ["a"], ("b",)),
    ],
)
def test_as_released_drops_what_breaks_the_alternation(
    tmp_path: Path, images: Path, response: str, patient: list[str], doctor: tuple[str, ...]
) -> None:
    [case] = load_meddiagnose(written(tmp_path, ("7", response)), images, as_released=True)
    assert [turn.text for turn in case.patient] == patient
    assert case.doctor == doctor


def test_as_released_refuses_what_leaves_nothing(tmp_path: Path, images: Path) -> None:
    with pytest.raises(FaultyRow, match="no exchange"):
        load_meddiagnose(written(tmp_path, ("7", "患者:a")), images, as_released=True)


def test_ids_are_folders_and_told_apart(tmp_path: Path, images: Path) -> None:
    said = "患者:a\n医生:b"
    with pytest.raises(FaultyRow, match=r":2: Response: Id '7' is taken"):
        load_meddiagnose(written(tmp_path, ("7", said), ("7", said)), images)
    with pytest.raises(FaultyRow, match="is no name of a folder"):
        load_meddiagnose(written(tmp_path, ("..", said)), images)


def test_another_table_is_unreadable(tmp_path: Path, images: Path) -> None:
    with pytest.raises(UnreadableFile, match="no column Response"):
        load_meddiagnose(written(tmp_path, header=("Id", "Answer")), images)
    with pytest.raises(UnreadableFile):
        load_meddiagnose(tmp_path / "absent.csv", images)
