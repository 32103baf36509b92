import pytest

from service.revision.words import Phrases, cased_words, lower_words, word_set


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't go, A&E!", ["Dont", "go", ",", "A&E", "."]),
        ("L\u2019h\u00f4pital \u2014 vite", ["Lhopital", ",", "vite"]),
        ("9-1-1", ["9", "1", "1"]),
        ("\u6025\u6551", []),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert cased_words(text) == words
    assert lower_words(text) == [word.lower() for word in words]


def test_the_longest_phrase_counts() -> None:
    table = Phrases("at once|at once now", "right away")
    words = lower_words("Go at once now, right then, right away")
    assert table.places(words) == [1, 8]
    assert [table.length_at(words, at) for at in (0, 1, 5, 8)] == [0, 3, 0, 2]
    assert table.first_words == {"at", "right"}


def test_a_set_of_words() -> None:
    assert word_set("a b", "b c") == {"a", "b", "c"}
