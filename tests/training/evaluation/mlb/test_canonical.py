# ruff: noqa: RUF001 - full-width marks are what Chinese texts hold
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.mlb.canonical import is_blank, item, plain

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("ＣＴ检查（平扫）", "CT检查(平扫)"),
        ("发热，咳嗽。", "发热,咳嗽."),
        ("“头痛”", '"头痛"'),
        (" 高　血压 ", "高血压"),
        ("vitamin  C 缺乏", "vitamin C缺乏"),
        ("肺\u200b炎", "肺炎"),
        ("１０ｍｇ", "10mg"),
    ],
)  # fmt: skip
def test_forms_that_count_as_one(written: str, same: str) -> None:
    assert plain(written) == plain(same) == same


def test_what_differs_stays_apart() -> None:
    assert plain("左肺") != plain("右肺")
    assert plain("vitamin C") != plain("vitaminC")
    assert plain("ct") != plain("CT")
    assert item("1") != item(1)
    assert item(True) != item(1)


def test_objects_by_key_and_lists_as_sets() -> None:
    event = {"主体词": "疼痛", "描述词": ["剧烈", "持续"], "解剖部位": ["左 腿"]}
    turned = {"解剖部位": ["左腿", "左腿"], "描述词": ["持续", "剧烈"], "主体词": "疼痛"}
    assert item(event) == item(turned)
    assert item({"甲": [{"乙": ["１", "2"]}]}) == item({"甲": [{"乙": ["2", "1"]}]})
    assert item({"描述词": "剧烈"}) != item({"描述词": ["剧烈"]})


def test_keys_that_differ_in_width_are_one_and_lose_nothing() -> None:
    assert item({"Ａ": "x", "A": "y"}) == item({"A": ["y", "x"]})


@given(TEXTS)
def test_plain_once_and_for_all(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@given(VALUES)
def test_items_once_and_for_all(value: object) -> None:
    assert item(json.loads(item(value))) == item(value)


@given(st.lists(VALUES, max_size=4).flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))))
def test_order_and_repetition_say_nothing(rows: tuple[list[object], list[object]]) -> None:
    first, second = rows
    assert item(first) == item([*second, *second])


@pytest.mark.parametrize(
    ("value", "blank"), [(None, True), (" 　", True), ([], True), ({"甲": ["", None]}, True), (0, False), ("无", False)]
)
def test_what_holds_nothing(value: object, blank: bool) -> None:
    assert is_blank(value) is blank
