import pytest

from principles.passages import MAX_CHARACTERS, MAX_PASSAGES, PASSAGE_CHARACTERS, WINDOW_WORDS, clauses, passages, plain
from principles.query import Message


def said(*texts: str) -> list[Message]:
    return [{"role": ("user", "assistant")[turn % 2], "content": text} for turn, text in enumerate(texts)]


def test_every_turn_is_read_newest_first_and_each_passage_once() -> None:
    messages = [{"role": "system", "content": "Be kind."}, *said("One. Two!\nThree", "Not, this.", "One. Four")]
    assert passages(messages) == ("One.", "Four", "Not, this.", "Two!", "Three", "Be kind.")


def test_a_long_sentence_is_read_in_short_passages_that_lose_no_word() -> None:
    words = [f"word{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(60)]
    found = passages(said(" ".join(words)))
    assert found is not None
    assert all(len(passage) <= PASSAGE_CHARACTERS for passage in found)
    assert {word for passage in found for word in passage.split()} == set(words)
    assert any(len(passage.split()) == WINDOW_WORDS for passage in found)


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ('{"query": "numb arm", "n": 1}', "numb arm"),
        ("<user_query>numb arm</user_query>", "numb arm"),
        ("input: numb arm; lang: en", "numb arm"),
        ("plan a trip, numb arm, and a hotel", "numb arm"),
        ("print('numb arm')", "numb arm"),
        ('{"text": "hello\\nnumb arm"}', "numb arm"),
        ("symptom=numb_arm", "numb arm"),
        ("#NumbArm", "Numb Arm"),
        ("https://example.org/?q=numb%20arm", "numb arm"),
        ("lunch &lt;numb arm&gt;", "numb arm"),
        ("bye \U0001f48a", "pill"),
    ],
)
def test_markup_is_taken_off_every_clause(text: str, clause: str) -> None:
    assert clause in [found for sentence in plain(text).split("\n") for found in clauses(sentence)]


@pytest.mark.parametrize(
    "messages",
    [
        [],
        said(""),
        [{"role": "system", "content": "Be kind."}],
        [{"role": "user", "content": None}],
        [
            {
                "role": "user",
                "content": [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "x"}}],
            }
        ],
        said("hi", "hello", "a " * (MAX_CHARACTERS // 2 + 1)),
        said("hi", "a " * (MAX_CHARACTERS // 2 + 1), "hi"),
        [{"role": "system", "content": "a " * (MAX_CHARACTERS // 2 + 1)}, *said("hi")],
        said("\n".join(f"line {number}" for number in range(MAX_PASSAGES + 1))),
        said(f"read this: {'bxkgyhlcqgahvydhmgyw' * 3}"),
        said("\u6211\u80f8\u53e3\u75bc"),
        said("\u039c\u03b5 \u03c0\u03bf\u03bd\u03ac\u03b5\u03b9 \u03c4\u03bf \u03c3\u03c4\u03ae\u03b8\u03bf\u03c2"),
    ],
)
def test_there_are_no_passages_of_what_cannot_be_read_in_full(messages: list[Message]) -> None:
    assert passages(messages) is None
