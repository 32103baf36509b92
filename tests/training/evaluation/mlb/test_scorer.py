# ruff: noqa: RUF001 - full-width marks are what Chinese texts hold
"""Every format under inspect, with judges whose words are given: agreement, disagreement, nonsense, a third judge."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from service.revision.prompts.templates import PromptError
from tests.training.evaluation.mlb.conftest import Answers, Run
from training.evaluation.mlb.judging import SIGNATURES, load_prompts
from training.evaluation.mlb.load import Example
from training.evaluation.mlb.verdicts import values_of
from training.evaluation.rows import Row

SAFE = Example("s", "GeneralSafety", ({"role": "user", "content": "问"},), "问")
ETHIC = Example(
    "e", "MAEthic", ({"role": "user", "content": "问"},), "问", metadata={"scenario": "护理", "case_id": "heldout-7"}
)
RECORD = Example(
    "r",
    "MARecord",
    ({"role": "user", "content": "对话"},),
    "对话",
    '{"主诉": ["咳嗽三天"], "现病史": ["发热"], "家族史": ["不详"]}',
)


def always(text: str) -> Answers:
    return lambda payload: text


def by_kind(risk: str, quality: str) -> Answers:
    return lambda payload: {"risk": risk, "quality": quality}[payload["kind"]]


def met_of(row: Row) -> list[bool | None]:
    return [verdict["met"] for verdict in row.verdicts]


def test_letters_and_items_need_no_judge(run: Run) -> None:
    choice = "选哪些？\nA. 甲\nB. 乙\nC. 丙"
    event = {"主体词": "咳嗽", "发生状态": "", "描述词": ["剧烈", "阵发"], "解剖部位": []}
    turned = {"解剖部位": [], "描述词": ["阵发", "剧烈"], "发生状态": "", "主体词": "咳 嗽"}
    examples = [
        Example("entities", "CMeEE", ({"role": "user", "content": "文"},), "文", '{"疾病": ["肺炎", "哮喘"]}'),
        Example("unreadable", "MAEESymp", ({"role": "user", "content": "文"},), "文", '{"症状": ["咳", "痰"]}'),
        Example("right", "CMExam", ({"role": "user", "content": choice},), choice, "A,C"),
        Example("half", "CMExam", ({"role": "user", "content": choice},), choice, "A,C"),
        Example("prose", "CMExam", ({"role": "user", "content": choice},), choice, "A"),
        Example("event", "CHIP-CDEE", ({"role": "user", "content": "文"},), "文", json.dumps([event])),
        Example("terms", "CHIP-CDN", ({"role": "user", "content": "文"},), "文", "肺炎##发热"),
    ]
    answers = {
        "entities": '{"疾病": ["肺 炎", "肺炎"], "症状": ["哮喘"]}', "unreadable": "有咳嗽", "right": "Ｃ、Ａ",
        "half": "A", "prose": "大概是甲", "event": json.dumps([turned, turned]), "terms": "发热＃＃肺炎",
    }  # fmt: skip
    rows = {row.id: row for row in run(examples, answers, {})}
    assert {name: row.score for name, row in rows.items()} == {
        "entities": 0.5, "unreadable": 0.0, "right": 1.0, "half": 0.0, "prose": 0.0, "event": 1.0, "terms": 1.0,
    }  # fmt: skip
    assert rows["entities"].values == {"score": 0.5, "tp": 1.0, "fp": 1.0, "fn": 1.0}
    assert rows["entities"].verdicts[0]["wrong"] == ['{"症状": "哮喘"}']
    assert rows["unreadable"].values == {"score": 0.0, "tp": 0.0, "fp": 0.0, "fn": 2.0}
    assert rows["unreadable"].verdicts[0]["read"] is rows["prose"].verdicts[0]["read"] is False
    assert [row.asked for row in rows.values()] == [0] * 7
    assert all(row.values == values_of(row.metadata, row.verdicts) for row in rows.values())


def test_safety_by_one_judge_and_by_two(run: Run) -> None:
    seen: list[Mapping[str, Any]] = []

    def first(payload: Mapping[str, Any]) -> str:
        seen.append(payload)
        return "不安全。[[否]]"

    (row,) = run([SAFE], {"s": "<think>想</think>答"}, {"grader": first})
    assert (row.score, row.asked, row.unscored) == (0.0, 1, 0)
    assert seen == [{"kind": "safety", "question": "问", "answer": "答"}]
    (row,) = run([SAFE], {"s": "答二"}, {"grader": always("[[是]]"), "second_grader": always("[[否]]")})
    assert (row.score, row.asked, row.unscored) == (None, 1, 1)
    assert row.verdicts[0]["needs_review"] is True
    assert [judge["raw"] for judge in row.verdicts[0]["judges"]] == ["[[是]]", "[[否]]"]


def test_risk_and_quality_value_by_value(run: Run) -> None:
    judges = {"grader": by_kind("0,0", "1,1,0,1"), "second_grader": by_kind("0，0", "1，1，0，1")}
    (row,) = run([ETHIC], {"e": "答"}, judges)
    assert met_of(row) == [True, True, True, True, False, True]
    assert (row.score, row.asked, row.unscored, row.cluster) == (0.75, 6, 0, "heldout-7")
    judges |= {"second_grader": by_kind("-1,0", "1,1,0,1")}
    (row,) = run([ETHIC], {"e": "答二"}, judges, combination="mean_of_six")
    assert met_of(row) == [None, True, True, True, False, True]
    assert (row.score, row.unscored) == (None, 1)
    judges |= {"third_grader": by_kind("-1,-1", "0,0,0,0")}
    (row,) = run([ETHIC], {"e": "答三"}, judges, combination="mean_of_six")
    assert met_of(row) == [False, True, True, True, False, True]
    assert row.score == pytest.approx((-1 + 3 + 2) / 6)
    assert [verdict["by"] for verdict in row.verdicts] == ["third judge"] + ["agreement"] * 5


def test_points_with_the_rule_for_what_is_unknown(run: Run) -> None:
    asked: list[str] = []

    def says(payload: Mapping[str, Any]) -> str:
        asked.append(payload["evaluation_point"])
        return "是" if "咳" in payload["evaluation_point"] else "否"

    (row,) = run([RECORD], {"r": '{"主诉": ["咳嗽三天"], "家族史": "不详"}'}, {"grader": says})
    assert sorted(asked) == ["主诉：咳嗽三天", "现病史：发热"]
    assert row.score == pytest.approx(2 / 3)
    assert (row.asked, row.unscored) == (2, 0)
    asked.clear()
    (row,) = run([RECORD], {"r": '{"主诉": ["咳嗽"], "家族史": "父亲哮喘"}'}, {"grader": says})
    assert len(asked) == 3
    assert row.score == pytest.approx(1 / 3)


@pytest.mark.parametrize("example", [SAFE, ETHIC, RECORD], ids=["safety", "risk and quality", "points"])
def test_a_judge_of_nonsense_moves_no_score(run: Run, example: Example) -> None:
    (row,) = run([example], {example.id: "答"}, {"grader": always("天气很好")})
    assert row.score is None
    assert row.asked == row.unscored == len(row.verdicts)
    assert {verdict["judges"][0]["failed"] for verdict in row.verdicts} == {"unreadable"}
    assert not any(verdict["needs_review"] for verdict in row.verdicts)


def test_prompts_are_checked_when_they_are_read(tmp_path: Path) -> None:
    assert load_prompts().keys() == SIGNATURES.keys()
    with pytest.raises(PromptError, match=r"safety\.txt is missing"):
        load_prompts(tmp_path)
    for name in SIGNATURES:
        (tmp_path / f"{name}.txt").write_text("{answer}", encoding="utf-8")
    with pytest.raises(PromptError, match=r"safety\.txt: variables \['answer'\], expected \['answer', 'question'\]"):
        load_prompts(tmp_path)
