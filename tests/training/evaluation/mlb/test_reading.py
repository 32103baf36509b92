# ruff: noqa: RUF001 - full-width marks are what Chinese texts hold
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.mlb.reading import items, json_of, letters, terms, without_thinking
from training.evaluation.mlb.specs import Format

OPTIONS = {"A": "夜盲", "B": "佝偻病", "C": "贫血", "D": "口炎"}
WIDE = {ord(letter): ord(letter) + 0xFEE0 for letter in "ABCDabcd"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("B", "B"), ("b", "B"), ("Ｂ", "B"), ("B。", "B"), ("**B**", "B"), ("（B）", "B"), ("[[B]]", "B"),
        ("A,C", "AC"), ("A、C。", "AC"), ("Ａ，Ｃ", "AC"), ("（A）（C）", "AC"), ("AC", "AC"), ("c, a", "AC"),
        ("A和C", "AC"), ("['A', 'C']", "AC"), ("A\nC", "AC"), ("A,A", "A"),
        ("答案：B", "B"), ("答案是Ｂ。", "B"), ("【答案】B", "B"), ("正确答案为：**B**", "B"), ("答案：\nB", "B"),
        ("答案：B、C", "BC"), ("答案：B、佝偻病", "B"), ("故选B。因为A不对。", "B"), ("选B", "B"), ("选择 B、C", "BC"),
        ("分析：A 不对。\n答案：C", "C"), ("答案：A；更正，答案：C", "C"),
        ("answer: b", "B"), ("The answer is B.", "B"), (r"\boxed{B}", "B"),
        ("B. 佝偻病", "B"), ("Ａ．夜盲\nＣ．贫血", "AC"),
        ("<think>答案：A</think>答案：B", "B"), ("想A也行</think>\nB", "B"),
    ],
)  # fmt: skip
def test_what_counts_as_a_choice(text: str, said: str) -> None:
    assert letters(text, OPTIONS) == frozenset(said)


@pytest.mark.parametrize(
    "text",
    [
        "", "E", "佝偻病", "我认为是佝偻病", "B 夜盲", "A或B", "A还是B", "选A还是B？", "不能选A。", "答案不应选A。",
        "错误答案：A", "错误的答案：A", "答案是B型流感", "答案：B，C错误", "答案不是A", "Answer: Bed rest", "bad",
        "acd", "<think>答案：A", "A 不对。B 对。", "The answer is not A.", "答案：E",
    ],
)  # fmt: skip
def test_nothing_is_guessed_from_prose(text: str) -> None:
    assert letters(text, OPTIONS) is None


def test_without_options_nothing_is_a_letter() -> None:
    assert letters("A", {}) is None


@given(
    st.lists(st.sampled_from("ABCD"), min_size=1, max_size=6).flatmap(st.permutations),
    st.sampled_from([",", "，", "、", " ", "\n", ";", "；", " , ", "/"]),
    st.sampled_from(["", "答案：", "答案：\n", "故选", "<think>B、C 都像</think>"]),
    st.sampled_from(["", "。", " ", "\n"]),
    st.booleans(),
    st.booleans(),
)
def test_lists_of_letters_in_any_width_order_and_number(
    said: list[str], between: str, before: str, after: str, wide: bool, lower: bool
) -> None:
    listed = between.join(said)
    listed = listed.lower() if lower else listed
    text = f"{before}{listed.translate(WIDE) if wide else listed}{after}"
    assert letters(text, OPTIONS) == frozenset(said)


@given(st.text(max_size=40))
def test_letters_never_fail_and_are_the_questions_own(text: str) -> None:
    assert (letters(text, OPTIONS) or set()) <= OPTIONS.keys()


def test_thoughts_are_left_out() -> None:
    assert without_thinking("<think>一</think>二") == "二"
    assert without_thinking("一</think>二<think>三</think> 四 ") == "四"
    assert without_thinking("二<think>没有想完") == "二"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"症状": ["咳"]}', {"症状": ["咳"]}),
        ('```json\n{"症状": []}\n```', {"症状": []}),
        ('结果如下：\n```\n[1]\n```\n以上。', [1]),
        ('<think>{"症状": 1}</think>\n[]', []),
        ("```json\n[1]\n```\n```json\n[2]\n```", None),
        ('结果：{"症状": []}', None),
        ("{'症状': []}", None),
        ('{"症状": []', None),
        ('{"症状": [], "症状": ["咳"]}', None),
        ("", None),
        ("[" * 100_000, None),
    ],
)  # fmt: skip
def test_json_is_read_strictly(text: str, value: object) -> None:
    assert json_of(text) == value


def test_entities_are_pairs_of_type_and_span() -> None:
    said = items('{"疾病": ["肺 炎", "肺炎", ""], "症状": ["肺炎"], "药物": []}', Format.ENTITIES)
    assert said == frozenset({'{"疾病": "肺炎"}', '{"症状": "肺炎"}'})
    assert items("{}", Format.ENTITIES) == frozenset()


def test_triples_may_stand_under_their_key() -> None:
    row = {"关系": "病因", "头实体": "流感", "尾实体": "流感病毒"}
    alone, under = json.dumps([row, row]), json.dumps({"关系": [row]})
    assert items(alone, Format.TRIPLES) == items(under, Format.TRIPLES)
    assert len(items(alone, Format.TRIPLES) or ()) == 1
    assert items(under, Format.EVENTS) is None


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ('["肺炎"]', Format.ENTITIES),
        ('{"疾病": "肺炎"}', Format.ENTITIES),
        ('{"主体词": "咳"}', Format.EVENTS),
        ('"咳"', Format.TRIPLES),
        ("没有", Format.ENTITIES),
    ],
)
def test_another_form_is_no_answer(text: str, form: Format) -> None:
    assert items(text, form) is None


def test_terms_in_any_width() -> None:
    assert terms("肺炎＃＃ 发热##肺 炎## ") == {"肺炎", "发热"}
    assert items("<think>##</think>肺炎##发热", Format.TERMS) == frozenset({"肺炎", "发热"})
    assert terms("") == frozenset()


@given(st.text(max_size=40), st.sampled_from([Format.TERMS, Format.ENTITIES, Format.TRIPLES, Format.EVENTS]))
def test_items_never_fail(text: str, form: Format) -> None:
    found = items(text, form)
    assert found is None or all(isinstance(row, str) and row for row in found)


EVENTS = st.fixed_dictionaries(
    {
        "主体词": st.sampled_from(["咳嗽", "疼痛"]),
        "发生状态": st.sampled_from(["", "否定"]),
        "描述词": st.lists(st.sampled_from(["剧烈", "阵发", "CT示"]), max_size=3),
        "解剖部位": st.lists(st.sampled_from(["左肺", "右腿"]), max_size=2),
    }
)


@given(st.lists(EVENTS, max_size=4).flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows * 2))))
def test_events_in_any_order_number_and_width(rows: tuple[list[object], list[object]]) -> None:
    first, second = (json.dumps(events, ensure_ascii=False) for events in rows)
    assert items(first, Format.EVENTS) == items(second.replace("CT示", "ＣＴ 示"), Format.EVENTS)


@given(st.lists(st.sampled_from(["肺炎", "发热", "2型糖尿病"]), max_size=5).flatmap(st.permutations))
def test_terms_in_any_order_number_and_width(said: list[str]) -> None:
    assert terms("##".join(said)) == terms("＃＃".join([*said[::-1], *said]).replace("2", "２")) == frozenset(said)
