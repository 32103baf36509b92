import pytest

from service.revision.negation import is_conditional, is_unneeded_after, negator_before
from service.revision.words import lower_words


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("do not use HERE", 1),
        ("no need for the HERE", 0),
        ("bread instead of HERE", 1),
        ("instead use HERE", None),
        ("do not wait to use HERE", None),
        ("never delay HERE", None),
        ("do not stop HERE", None),
        ("stop HERE", 0),
        ("not well, use HERE", None),
        ("not better use HERE", None),
        ("HERE", None),
    ],
)
def test_the_negator_of_a_word(text: str, place: int | None) -> None:
    words = lower_words(text)
    assert negator_before(words, words.index("here")) == place


@pytest.mark.parametrize(
    ("text", "unneeded"),
    [
        ("HERE is not necessary", True),
        ("HERE is unnecessary", True),
        ("HERE is not far", False),
        ("HERE, not needed", False),
        ("HERE", False),
    ],
)
def test_what_is_called_unneeded(text: str, unneeded: bool) -> None:
    assert is_unneeded_after(lower_words(text), 1) is unneeded


@pytest.mark.parametrize(("text", "conditional"), [("if you HERE", True), ("if so, HERE", False), ("HERE", False)])
def test_a_condition_stands_in_the_same_clause(text: str, conditional: bool) -> None:
    words = lower_words(text)
    assert is_conditional(words, words.index("here")) is conditional
