"""Owns what is read of a conversation to tell its topic: every turn, in passages that the encoder takes in whole.

Invariant: each word of each turn, whoever's it is, stands in a passage, or there are none at all: too long, not all of
it text, or in letters that the exemplars do not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from textwrap import wrap
from unicodedata import name

from principles.query import Message, text_of

MAX_CHARACTERS = 6000
MAX_PASSAGES = 64
PASSAGE_CHARACTERS = 200
LONGEST_WORD = 40
WINDOW_WORDS = 12
LEAST_ASCII = 0.9
_SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+|\n+")
_CLAUSE_ENDS = re.compile(
    r"""[\t\r,;:{}\[\]<>"()|=`*#~\\\u201c\u201d\u00ab\u00bb\u2026\u2014]+|(?<!\w)['\u2018]|['\u2019](?!\w)|\s[-\u2013/&+]+\s|\.{2,}"""
)
_ESCAPED_ENDS = re.compile(r"\\[nrt](?![a-z])|\\[nrt](?=[a-z]+\b)")
_JOINED = re.compile(r"_|%20|(?<=\w)\+(?=\w)|(?<=[a-z])(?=[A-Z])")
_PICTOGRAPH = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]")
_MARKUP = re.compile(r"[{}<>]|;.*:|:.*;|```|\w=\S")
_LETTER = re.compile(r"[^\W\d_]")


def passages(messages: Sequence[Message]) -> tuple[str, ...] | None:
    """The sentences and clauses of all turns, each once and newest turn first; None if not all of it can be read.

    That is also so where the last of the user's turns says nothing. An assistant's turns are read by sentences only.
    """
    asked = [text_of(message) for message in messages if message.get("role") == "user"]
    texts = [text_of(message) for message in messages]
    if not asked or not asked[-1] or any(map(_has_other_parts, messages)):
        return None
    if sum(map(len, texts)) > MAX_CHARACTERS or not _is_ascii("".join(texts)):
        return None
    found: dict[str, None] = {}
    for message, text in zip(reversed(messages), reversed(texts), strict=True):
        read = plain(text)
        if any(len(word) > LONGEST_WORD for word in re.split(r"[\W_]+", text)):
            return None
        found.update(dict.fromkeys(_sentences(read) if message.get("role") == "assistant" else clauses(read)))
    return tuple(found) if len(found) <= MAX_PASSAGES else None


def plain(text: str) -> str:
    """The text without what markup does to its words: entities, escaped line ends, words joined into one name.

    A pictograph becomes its name, since the encoder cannot tell one from another.
    """
    read = _JOINED.sub(" ", _ESCAPED_ENDS.sub("\n", unescape(text)))
    return _PICTOGRAPH.sub(lambda found: f"; {name(found[0], '').lower()}; ", read)


def is_marked_up(text: str) -> bool:
    """Whether it looks like a format, in which a field may hold a message of its own."""
    return _MARKUP.search(text) is not None


def clauses(text: str) -> Iterator[str]:
    """Each clause, each sentence without its markup, and pieces of those that go on for long."""
    for sentence in _sentences(text):
        parts = [part for part in map(str.strip, _CLAUSE_ENDS.split(sentence)) if _LETTER.search(part)]
        yield from parts
        if len(parts) > 1:
            yield " ".join(parts)
        yield from _windows(" ".join(parts).split())


def _sentences(text: str) -> Iterator[str]:
    for sentence in _SENTENCE_ENDS.split(text):
        yield from wrap(sentence, PASSAGE_CHARACTERS)


def _windows(words: Sequence[str]) -> Iterator[str]:
    """Overlapping pieces, since a long sentence can hold an emergency among other things."""
    if len(words) > WINDOW_WORDS:
        for start in range(0, len(words) - WINDOW_WORDS // 2, WINDOW_WORDS // 2):
            yield " ".join(words[start : start + WINDOW_WORDS])


def _has_other_parts(message: Message) -> bool:
    content = message.get("content")
    parts = [] if isinstance(content, str) or not isinstance(content, Sequence) else content
    return any(not isinstance(part, Mapping) or part.get("type") != "text" for part in parts)


def _is_ascii(text: str) -> bool:
    letters = [character.isascii() for character in text if character.isalpha()]
    return sum(letters) >= LEAST_ASCII * len(letters)
