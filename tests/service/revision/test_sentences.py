# ruff: noqa: RUF001  (the scripts are the point)
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.revision.sentences import is_line_item, numbered, separator_between, split

# Fragments that make boundaries likely, in several scripts, with code, tables and odd line ends.
FRAGMENTS = st.sampled_from(
    [
        "Take 0.5 mg. ", "See Dr. Smith! ", "e.g. this", "- item\n", "1. first\n", "| a | b |\n", "|---|---|\n",
        "```\ncode. x\n```\n", "~~~", "\n\n", "  ", "\t", "\r\n", "胸が痛い。", "请立即就医！", "هل تشعر بألم؟ ",
        "दर्द है। ", "שלום. ", "\u2028", "\x1c", "…", "**bold.** ", "",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(FRAGMENTS, max_size=12).map("".join))


@settings(deadline=None)
@given(TEXTS)
def test_join_of_split_is_the_text(text: str) -> None:
    assert "".join(split(text)) == text


@settings(deadline=None)
@given(TEXTS)
def test_every_unit_of_a_text_with_words_has_words(text: str) -> None:
    units = split(text)
    assert len(units) <= 1 or all(unit.strip() for unit in units)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("", ()),
        ("One. Two? Three!", ("One. ", "Two? ", "Three!")),
        ("Take 0.5 mg b.i.d. with food. Rest.", ("Take 0.5 mg b.i.d. with food. ", "Rest.")),
        ("See Dr. Lee. Go now.", ("See Dr. Lee. ", "Go now.")),
        ("Do this:\n- Rest. Drink.\n- Call.\n", ("Do this:\n", "- Rest. ", "Drink.\n", "- Call.\n")),
        ("1. Rest\n2. Drink\n\nDone.", ("1. Rest\n", "2. Drink\n\n", "Done.")),
        ("| drug | dose |\n|---|---|\n| a. b | 5 mg. |\n", ("| drug | dose |\n", "|---|---|\n", "| a. b | 5 mg. |\n")),
        ("```\nx = 1. y\n\nz.\n```\nEnd.", ("```\nx = 1. y\n\nz.\n```\n", "End.")),
        ("胸が痛い。救急車を呼ぶ！はい", ("胸が痛い。", "救急車を呼ぶ！", "はい")),
        ("هل الألم شديد؟ اتصل الآن.", ("هل الألم شديد؟ ", "اتصل الآن.")),
        ("दर्द है। आराम करें।", ("दर्द है। ", "आराम करें।")),
        ("He said “stop.” Then left.", ("He said “stop.” ", "Then left.")),
    ],
)
def test_units(text: str, units: tuple[str, ...]) -> None:
    assert split(text) == units


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("````\n```\na. b\n```\n````\nEnd.", ("````\n```\na. b\n```\n````\n", "End.")),
        ("```\na\n~~~\nb\n```\nEnd.", ("```\na\n~~~\nb\n```\n", "End.")),
        ("```\n```python\n```\nEnd.", ("```\n```python\n```\n", "End.")),
        ("```a. b``` is code. End.", ("```a. ", "b``` is code. ", "End.")),
        ("- One.\n- ```\n  a. b\n  ```\nEnd.", ("- One.\n", "- ```\n  a. b\n  ```\n", "End.")),
        ("> ```\n> a. b\nEnd. Now.", ("> ```\n> a. b\n", "End. ", "Now.")),
        ("Go. ~~~\n~~~\na. b", ("Go. ", "~~~\n", "~~~\na. b")),
        ("## 1. Stop. Now\n\nRest.", ("## 1. Stop. Now\n\n", "Rest.")),
        ("**1. Rest.** Sleep.", ("**1. Rest.** ", "Sleep.")),
        ("See https://who.int/a.b?c=d. J. Lee took 3.5 mg.", ("See https://who.int/a.b?c=d. ", "J. Lee took 3.5 mg.")),
        ("Wait... Now.\r\nThen.\rLast", ("Wait... ", "Now.\r\n", "Then.\r", "Last")),
        ("약을 드세요. 쉬세요.", ("약을 드세요. ", "쉬세요.")),
        ("ไปหาหมอ กินยา", ("ไปหาหมอ กินยา",)),
        ("خذ الدواء. استرح۔ اتصل!", ("خذ الدواء. ", "استرح۔ ", "اتصل!")),
        ("👩\u200d⚕️. e\u0301! xx\u00a0yy.\u00a0Zz.", ("👩\u200d⚕️. ", "e\u0301! ", "xx\u00a0yy.\u00a0", "Zz.")),
        ("A.\u2028B.\x0cC\x00. D", ("A.\u2028", "B.\x0c", "C\x00. ", "D")),
        ("«Stop.» Now.", ("«Stop.» ", "Now.")),
    ],
)
def test_units_of_odd_forms(text: str, units: tuple[str, ...]) -> None:
    assert split(text) == units


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Aspirin helps. [2] Rest.", "Aspirin helps. [[1]] [2] Rest. [[2]]"),
        ("It helps [2]. See [[7]].", "It helps [2]. [[[1]]] See [[7]]. [[[2]]]"),
        ("a [x] b [12345678] c.", "a [x] b [12345678] c. [1]"),
        ("[" * 50 + "1]. b", "[" * 50 + "1]. [[[1]]] b [[[2]]]"),
    ],
)
def test_numbers_cannot_be_mistaken_for_the_answers_own(text: str, shown: str) -> None:
    assert numbered(split(text)) == shown


def test_numbers_stand_after_their_units() -> None:
    assert numbered(split("One. Two.\n- three\n")) == "One. [1] Two. [2]\n- three [3]"


@pytest.mark.parametrize(
    ("unit", "text", "separator"),
    [
        ("- a\n", "- b", "\n"),
        ("- a\n", "Prose.", "\n\n"),
        ("- One. ", "Two.", " "),
        ("| a |", "| b |", "\n"),
        ("| a |\n", "Prose.", "\n\n"),
        ("```\nx\n```", "Prose.", "\n\n"),
        ("# Title\n", "Prose.", "\n\n"),
        ("---\n", "Prose.", "\n\n"),
        ("Prose.\n", "- a", "\n\n"),
        ("Prose. ", "More.", " "),
        ("Prose.\n\n", "More.", " "),
        ("終わり。", "また。", ""),
        ("“終わり。”", "また。", ""),
        ("𠮷", "また。", ""),
    ],
)
def test_separators(unit: str, text: str, separator: str) -> None:
    assert separator_between(unit, text) == separator


@pytest.mark.parametrize(
    ("unit", "owns_line"), [("- a", True), ("10) a", True), ("| a |", True), ("-5 mg", False), ("**Now** go.", False)]
)
def test_line_items(unit: str, owns_line: bool) -> None:
    assert is_line_item(unit) is owns_line
