"""CMtMedQA's file, and our own records."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from training.data.files import FaultyRow
from training.data.jsonl import UnreadableFile
from training.evaluation.consultations.load import load_cmtmedqa, load_records, with_hidden_case

EXAMPLES = Path("training/data/examples")
ROW = {
    "id": "j1",
    "cate1": "内科",
    "cate2": "呼吸内科",
    "instruction": "好的谢谢。",
    "input": "",
    "output": "不客气。",
    "history": [["咳嗽三天了。", "有没有发热。"], ["没有发热。晚上重。", "多喝水。"]],
}
SAFETY = {"instruct": "编造的问题", "output": "编造的回答"}


def written(tmp_path: Path, value: object) -> Path:
    path = tmp_path / "test.json"
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


def changed(**changes: Any) -> dict[str, Any]:
    return ROW | changes


def test_the_last_message_follows_the_history(tmp_path: Path) -> None:
    [case] = load_cmtmedqa(written(tmp_path, [ROW]))
    assert (case.id, case.source, case.department) == ("cmtmedqa-j1", "CMtMedQA", "内科")
    assert [turn.text for turn in case.patient] == ["咳嗽三天了。", "没有发热。晚上重。", "好的谢谢。"]
    assert case.doctor == ("有没有发热。", "多喝水。", "不客气。")
    assert case.hidden_case is None


def test_an_empty_history_is_a_consultation_of_one_exchange(tmp_path: Path) -> None:
    [case] = load_cmtmedqa(written(tmp_path, [changed(history=[], input="三十岁。")]))
    assert [turn.text for turn in case.patient] == ["好的谢谢。\n三十岁。"]
    assert case.doctor == ("不客气。",)


def test_safety_rows_are_refused_or_skipped(tmp_path: Path) -> None:
    path = written(tmp_path, [ROW, SAFETY])
    with pytest.raises(FaultyRow, match=r"test\.json:2: history: a safety row, to be skipped explicitly"):
        load_cmtmedqa(path)
    assert [case.id for case in load_cmtmedqa(path, skip_safety_rows=True)] == ["cmtmedqa-j1"]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([ROW, ROW], ":2: id: 'cmtmedqa-j1' is taken"),
        ([{"id": "j2", "output": "a"}], ":1: history: has no history"),
        ([changed(history=[["a"]])], ":1: history.0.1: is missing"),
        ([changed(history=[["", "a"]])], "must say something"),
        ([changed(cate3="x")], ":1: cate3: this kind has no such field"),
        (["text"], ":1: history: has no history"),
    ],
)
def test_faults_name_row_and_field(tmp_path: Path, rows: list[object], told: str) -> None:
    with pytest.raises(FaultyRow, match=told):
        load_cmtmedqa(written(tmp_path, rows), skip_safety_rows=True)


def test_what_is_no_list_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="not a JSON list"):
        load_cmtmedqa(written(tmp_path, {}))
    with pytest.raises(UnreadableFile):
        load_cmtmedqa(tmp_path / "absent.json")


def test_our_records_keep_images_and_split(tmp_path: Path) -> None:
    assert load_records(EXAMPLES / "consultation.jsonl", EXAMPLES) == []
    [case] = load_records(EXAMPLES / "consultation.jsonl", EXAMPLES, split="train")
    assert case.patient[0].images == (str(EXAMPLES / "images/ankle.png"),)
    assert [len(case.patient), len(case.doctor)] == [2, 2]
    path = tmp_path / "consultation.jsonl"
    shutil.copy(EXAMPLES / "consultation.jsonl", path)
    with pytest.raises(FaultyRow, match=r":1: images\.0\.path: no file"):
        load_records(path, tmp_path, split="train")


def test_a_script_becomes_a_hidden_case_of_the_patients_sentences(tmp_path: Path) -> None:
    [case] = load_cmtmedqa(written(tmp_path, [ROW]))
    assert with_hidden_case(case, "zh").hidden_case == ("没有发热。", "晚上重。", "好的谢谢。")
    [shown] = load_records(EXAMPLES / "consultation.jsonl", EXAMPLES, split="train")
    turned = shown.model_copy(update={"patient": shown.patient[::-1]})
    assert with_hidden_case(turned, "en").hidden_case == ("I twisted my ankle yesterday and it is swollen. [image 1]",)
