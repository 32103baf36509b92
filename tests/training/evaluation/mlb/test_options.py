# ruff: noqa: RUF001 - full-width marks are what Chinese texts hold
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.mlb.options import options_of

CHINESE = st.text("水木金火土山川田日月星云", min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("question", "stem"),
    [
        ("哪些含糖？['A 梨', 'B 桃', 'C 杏']", "哪些含糖？"),
        ("哪些含糖？'A 梨', 'B 桃', 'C 杏'", "哪些含糖？"),
        ("含糖的是（）A.梨B.桃C.杏", "含糖的是（）"),
        ("含糖的是 A 梨 B 桃 C 杏", "含糖的是"),
        ("含糖的是？\n选项：\nA. 梨\nB. 桃\nC. 杏", "含糖的是？"),
        ("含糖的是？\nＡ．梨\nＢ．桃\nＣ．杏", "含糖的是？"),
        ("含糖的是？A、梨 B、桃 C、杏", "含糖的是？"),
        ("含糖的是？(A) 梨 (B) 桃 (C) 杏", "含糖的是？"),
        ("表：{'甲': '乙'} 选项：['A 梨', 'B 桃', 'C 杏']", "表：{'甲': '乙'}"),
    ],
)
def test_ways_to_write_options(question: str, stem: str) -> None:
    found = options_of(question)
    assert found is not None
    assert found.stem == stem
    assert dict(found.texts) == {"A": "梨", "B": "桃", "C": "杏"}
    assert question.endswith(found.listed)


def test_letters_within_words_are_no_labels() -> None:
    found = options_of("缺乏维生素A 会怎样？\nA. 维生素B 吸收差\nB. 夜盲\nC. 乙肝B型")
    assert found is not None
    assert dict(found.texts) == {"A": "维生素B 吸收差", "B": "夜盲", "C": "乙肝B型"}


def test_of_two_lists_the_longer_counts_and_of_equals_the_last() -> None:
    earlier = "上一题 A 甲 B 乙\n本题\nA 丙 B 丁"
    assert (found := options_of(earlier)) is not None
    assert dict(found.texts) == {"A": "丙", "B": "丁"}
    longer = "本题 A 甲 B 乙 C 丙\n另有 A 丁 B 戊"
    assert (found := options_of(longer)) is not None
    assert found.texts.keys() == {"A", "B", "C"}


@pytest.mark.parametrize("question", ["没有选项", "只有 A. 一个", "从 B 开始 B. 乙 C. 丙", ""])
def test_questions_without_options(question: str) -> None:
    assert options_of(question) is None


@given(CHINESE, st.lists(CHINESE, min_size=2, max_size=8), st.sampled_from("\n "))
def test_every_listed_option_is_found(stem: str, texts: list[str], between: str) -> None:
    labelled = {chr(ord("A") + place): text for place, text in enumerate(texts)}
    listed = between.join(f"{letter}. {text}" for letter, text in labelled.items())
    found = options_of(f"{stem}？{between}{listed}")
    assert found is not None
    assert (found.stem, dict(found.texts)) == (f"{stem}？", labelled)
