# ruff: noqa: RUF001  (the scripts are the point)
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.revision.sentences import is_line_item, numbered, separator_after, split

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


def test_numbers_stand_after_their_units() -> None:
    assert numbered(split("One. Two.\n- three\n")) == "One. [1] Two. [2]\n- three [3]"


@pytest.mark.parametrize(
    ("unit", "separator"), [("- a\n", "\n"), ("| a |", "\n"), ("```\nx\n```", "\n"), ("One.", " "), ("終わり。", "")]
)
def test_separators(unit: str, separator: str) -> None:
    assert separator_after(unit) == separator


@pytest.mark.parametrize(
    ("unit", "owns_line"), [("- a", True), ("10) a", True), ("| a |", True), ("-5 mg", False), ("**Now** go.", False)]
)
def test_line_items(unit: str, owns_line: bool) -> None:
    assert is_line_item(unit) is owns_line
