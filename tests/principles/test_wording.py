from pathlib import Path

import pytest

from principles.wording import Wording, load_word_lists


@pytest.fixture
def wording() -> Wording:
    talk = ["tell a joke about trains", "my phone died", "version 2 is better", "are you there"]
    return Wording(load_word_lists(), talk, ["my heart", "he died", "about a cough"])


@pytest.mark.parametrize(
    "text", ["spo2 77", "Sats: 80%", "{'GCS': 6}", "sodium is down to 109", "K+ 6.9", "MAP still 45", "took 900 mg"]
)
def test_a_reading_is_an_analyte_with_its_number_or_an_amount_with_its_unit(wording: Wording, text: str) -> None:
    assert wording.has_reading(text)


@pytest.mark.parametrize("text", ["2 hr 35 min", "map 3 of the city", "K-means", "3 km", "Saturday 7 pm", "psalm 23"])
def test_other_numbers_are_none(wording: Wording, text: str) -> None:
    assert not wording.has_reading(text)


@pytest.mark.parametrize("text", ["HELP", "help me please!", "sos sos", "pls hurry", "call 911 now", "ayuda"])
def test_a_cry_for_help_is_nothing_else(wording: Wording, text: str) -> None:
    assert wording.is_cry(text)
    assert not wording.is_cry(f"{text} with my essay")


def test_pleading_without_distress_is_no_cry(wording: Wording) -> None:
    assert not wording.is_cry("please, quick")


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("he fell", True),
        ("SvO2 40", True),
        ("my heart", True),
        ("", True),
        ("hi there!", False),
        ("thanks a lot", False),
        ("my phone died", False),
        ("about trains", False),
        ("he fell down there", False),
    ],
)
def test_few_words_are_talk_only_by_what_talk_has(wording: Wording, text: str, short: bool) -> None:
    assert wording.is_too_short(text) is short


@pytest.mark.parametrize(
    ("text", "strange"), [("NIF 12 and tired", True), ("version 2 is better", False), ("NIF is better", False)]
)
def test_a_number_beside_a_word_that_talk_lacks_is_strange(wording: Wording, text: str, strange: bool) -> None:
    assert wording.is_strange_number(text) is strange


def test_word_lists_of_another_form_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "wording.toml"
    path.write_text('distress = "help"', encoding="utf-8")
    with pytest.raises(ValueError, match="pleading"):
        load_word_lists(path)
