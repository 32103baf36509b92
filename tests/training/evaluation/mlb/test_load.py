# ruff: noqa: RUF001 - full-width marks are what Chinese texts hold
import json
from pathlib import Path
from typing import Any

import pytest

from training.evaluation.mlb.gold import gold_items
from training.evaluation.mlb.load import Fault, MalformedFile, read_dataset, read_datasets
from training.evaluation.mlb.options import options_of
from training.evaluation.mlb.points import points_of
from training.evaluation.mlb.reading import items, letters
from training.evaluation.mlb.specs import SPECS, Format, Metric

TRIPLE = {"关系": "病因", "头实体": "流感", "尾实体": "流感病毒"}
EVENT = {"主体词": "咳嗽", "发生状态": "否定", "描述词": [], "解剖部位": ["肺"]}


def written(folder: Path, key: str, *rows: Any, prompt: str = "请作答", **rest: Any) -> Path:
    path = folder / f"{key}.json"
    path.write_text(json.dumps({"system_prompt": prompt, "examples": list(rows), **rest}), encoding="utf-8")
    return path


def test_every_fixture_is_read_without_a_fault() -> None:
    loaded = read_datasets()
    assert [row.spec.key for row in loaded] == list(SPECS)
    for row in loaded:
        assert row.faults == ()
        assert len(row.examples) >= 8
        for example in row.examples:
            if row.spec.format is Format.CHOICE:
                options = options_of(example.question)
                assert options is not None
                assert letters(example.gold, options.texts) == frozenset(example.gold.split(","))
            elif row.spec.metric is Metric.MICRO_F1:
                assert items(example.gold, row.spec.format) == gold_items(row.spec, example.gold)
            elif row.spec.format is Format.POINTS:
                assert points_of(json.loads(example.gold))


def test_a_prompt_without_a_place_is_the_systems(tmp_path: Path) -> None:
    path = written(tmp_path, "CMExam", {"question": "选哪个？\nA. 甲\nB. 乙", "answer": "Ｂ"})
    (example,) = read_dataset(path).examples
    assert example.messages == (
        {"role": "system", "content": "请作答"},
        {"role": "user", "content": "选哪个？\nA. 甲\nB. 乙"},
    )
    assert (example.id, example.dataset, example.gold) == ("CMExam-1", "CMExam", "B")


def test_a_prompt_with_places_is_filled_in_one_pass(tmp_path: Path) -> None:
    row = {"question": "选${options}？['A 甲', 'B 乙']", "answer": "A,B"}
    (example,) = read_dataset(
        written(tmp_path, "MAExam", row, prompt="题：${question}\n选项：${options}\n答：")
    ).examples
    assert example.messages == ({"role": "user", "content": "题：选${options}？\n选项：['A 甲', 'B 乙']\n答："},)


def test_candidate_terms_are_parted_from_the_diagnosis(tmp_path: Path) -> None:
    row = {"question": "上感发烧\n候选标准词：\n肺炎\n上感##发热\n", "answer": "上感##发热"}
    (example,) = read_dataset(written(tmp_path, "CHIP-CDN", row, prompt="${question}|${options}")).examples
    assert example.messages[0]["content"] == "上感发烧|肺炎\n上感##发热"


def test_the_files_own_name_and_type_are_never_read(tmp_path: Path) -> None:
    row = {"question": "记录", "answer": {"症状": ["咳"]}}
    path = written(tmp_path, "MAEESymp", row, name="MAMedication", type="选择题")
    assert read_dataset(path).spec is SPECS["MAEESymp"]
    renamed = path.rename(tmp_path / "其他.json")
    assert read_dataset(renamed, "MAEESymp").examples[0].gold == '{"症状": ["咳"]}'


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("CMeEE", {"疾病": ["肺炎"]}),
        ("CMeIE", [TRIPLE]),
        ("CMeIE", {"关系": [TRIPLE]}),
        ("CHIP-CDEE", [EVENT]),
        ("MADiagnosis", {"诊断": "肺炎", "诊断依据": ["发热"]}),
    ],
)
def test_gold_as_json_or_as_text(tmp_path: Path, key: str, answer: Any) -> None:
    rows = {"question": "文", "answer": answer}, {"question": "文", "answer": json.dumps(answer, ensure_ascii=False)}
    first, second = read_dataset(written(tmp_path, key, *rows)).examples
    assert json.loads(first.gold) == json.loads(second.gold) == answer


@pytest.mark.parametrize(
    ("key", "answer", "message"),
    [
        ("CHIP-CDEE", [{**EVENT, "发生状态'": ""}], "event"),
        ("CHIP-CDEE", '[{"主体词": "咳嗽"', "no JSON"),
        ("CHIP-CDEE", [{**EVENT, "描述词": "剧烈"}], "event"),
        ("CMeIE", [{"关系": "病因"}], "triple"),
        ("CMeEE", {"疾病": "肺炎"}, "form of entities"),
        ("CMeEE", {"疾病": [1]}, "no text"),
        ("CMExam", "C", "none of the options"),
        ("CHIP-CDN", "##", "no text with terms"),
        ("MARecord", {"主诉": ["咳"]}, "exactly the fields"),
        ("MADiagnosis", {"诊断": "", "诊断依据": []}, "no point"),
        ("GeneralSafety", "是", "without one"),
        ("MAEESymp", None, "missing"),
    ],
)
def test_malformed_gold_is_left_out_and_reported(tmp_path: Path, key: str, answer: Any, message: str) -> None:
    question = "选哪个？\nA. 甲\nB. 乙"
    good: Any = {
        "CMExam": "A", "CHIP-CDN": "肺炎", "CMeEE": {}, "MAEESymp": {}, "CMeIE": [], "CHIP-CDEE": [],
        "GeneralSafety": None,
        "MADiagnosis": {"诊断": "肺炎", "诊断依据": []},
        "MARecord": dict.fromkeys(("性别", "年龄", "主诉", "现病史", "既往史", "个人史", "婚育史", "家族史"), "不详"),
    }[key]  # fmt: skip
    loaded = read_dataset(
        written(tmp_path, key, {"question": question, "answer": answer}, {"question": question, "answer": good})
    )
    assert [example.id for example in loaded.examples] == [f"{key}-2"]
    (fault,) = loaded.faults
    assert (fault.file, fault.example, fault.field) == (f"{key}.json", 1, "answer")
    assert message in fault.message


@pytest.mark.parametrize(
    ("rows", "field", "example"),
    [
        (["x"], "example", 1),
        ([{"question": "甲"}, {"question": " "}], "question", 2),
        ([{"question": "甲", "scenario": 3}], "scenario", 1),
        ([], "examples", None),
    ],
)
def test_any_other_fault_refuses_the_file(tmp_path: Path, rows: list[Any], field: str, example: int | None) -> None:
    with pytest.raises(MalformedFile) as caught:
        read_dataset(written(tmp_path, "MAEthic", *rows))
    (fault,) = caught.value.faults
    assert (fault.file, fault.example, fault.field) == ("MAEthic.json", example, field)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "MAEthic.json: file: is no JSON"),
        ("[]", "MAEthic.json: file: is no JSON object"),
        ('{"system_prompt": 1}', "MAEthic.json: system_prompt: is no text"),
        ('{"system_prompt": "${x}"}', "placeholders other than"),
    ],
)
def test_files_of_another_form(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "MAEthic.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MalformedFile, match=message.replace("$", r"\$")):
        read_dataset(path)


def test_choices_without_options_refuse_the_file(tmp_path: Path) -> None:
    with pytest.raises(MalformedFile, match=r"CMExam\.json: example 1: question: has no options"):
        read_dataset(written(tmp_path, "CMExam", {"question": "没有选项", "answer": "A"}))


def test_a_folder_with_a_stranger_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "CMExams", {"question": "甲"})
    with pytest.raises(MalformedFile) as caught:
        read_datasets(tmp_path)
    assert caught.value.faults == [Fault("CMExams.json", None, "file", "is named after none of MLB's datasets")]


def test_fields_that_no_spec_knows_are_kept(tmp_path: Path) -> None:
    (example,) = read_dataset(
        written(tmp_path, "MAEthic", {"question": "甲", "scenario": "护理", "source": "x"})
    ).examples
    assert example.metadata == {"scenario": "护理", "extra": {"source": "x"}}
