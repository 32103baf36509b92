from pathlib import Path

import pytest

from training.data.capitals import CapitalRules
from training.data.identifiers import Identifier, IdentifierKind
from training.data.jsonl import UnreadableFile
from training.data.names import NameRules
from training.data.patterns import PatternRules
from training.data.recognition import HELD_OUT, TUNING, load_sentences, marked_sentence, measure


class First:
    """A recogniser that takes the first four characters for a name."""

    def find(self, text: str) -> list[Identifier]:
        return [Identifier(0, 4, IdentifierKind.NAME)]


def test_the_held_out_sentences_are_new_and_half_of_them_are_clean() -> None:
    held_out = load_sentences(HELD_OUT)
    clean = [sentence for sentence in held_out if not sentence.identifiers]
    assert len(held_out) >= 120
    assert 0.4 <= len(clean) / len(held_out) <= 0.6
    assert not {sentence.text for sentence in held_out} & {sentence.text for sentence in load_sentences(TUNING)}
    assert len({span.kind for sentence in held_out for span in sentence.identifiers}) == len(IdentifierKind)


def test_the_rules_find_nearly_all_and_alarm_seldom() -> None:
    figures = measure(load_sentences(HELD_OUT), [PatternRules(), NameRules(), CapitalRules()]).figures()
    assert (figures["marked"], figures["missed"], figures["found"], figures["false_alarms"]) == (101, 1, 112, 14)
    assert figures["recall"] == 0.9901
    assert figures["precision"] == 0.875


def test_half_a_name_found_is_a_miss_and_no_false_alarm() -> None:
    sentences = [marked_sentence("[name|Anna Lee] is [date|4 May]."), marked_sentence("Nothing here.")]
    report = measure(sentences, [First()])
    figures = report.figures()
    assert (figures["recall"], figures["precision"], figures["found"]) == (0.0, 0.5, 2)
    assert figures["clean_sentences_with_false_alarms"] == 1
    assert figures["recall_by_kind"] == {"date": 0.0, "name": 0.0}
    assert "false alarm: name 'Noth' in 'Nothing here.'" in list(report.lines(errors=True))


def test_marks_are_taken_out_of_the_text() -> None:
    sentence = marked_sentence("Yours,\\n[name|Ann], [age_over_89|91]")
    assert sentence.text == "Yours,\nAnn, 91"
    assert sentence.identifiers == (
        Identifier(7, 10, IdentifierKind.NAME),
        Identifier(12, 14, IdentifierKind.AGE),
    )


def test_an_unknown_mark_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "marked.txt"
    path.write_text("[colour|red]\n")
    with pytest.raises(UnreadableFile, match="'colour' is not a valid IdentifierKind"):
        load_sentences(path)
    with pytest.raises(UnreadableFile, match="absent"):
        load_sentences(tmp_path / "absent.txt")
