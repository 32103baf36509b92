"""A text as words without case or accents, so that phrases of many are found by look-up and not by a long pattern.

Invariant: linear time; a full stop or comma among the words is the end of a sentence or of a clause, and nothing else.
Scripts other than Latin leave no words: they are searched for as they stand.
"""

import unicodedata
from collections.abc import Iterable, Sequence

Phrases = dict[str, tuple[tuple[str, ...], ...]]
"""Phrases of words by their first word, longest first."""

STOP, COMMA = ".", ","
_KEPT = b"0123456789abcdefghijklmnopqrstuvwxyz&%"
_STOPS, _COMMAS = b".;!?\n\r", b",:()"
_TABLE = bytes(
    byte
    if bytes([byte]).lower() in (bytes([kept]) for kept in _KEPT)
    else ord(STOP)
    if byte in _STOPS
    else ord(COMMA)
    if byte in _COMMAS
    else ord(" ")
    for byte in range(256)
)
_DASHES = str.maketrans(dict.fromkeys("\u2013\u2014\u2015\u2026\u00bf\u00a1", ","))


def cased_words(text: str) -> list[str]:
    """Return the words and clause ends of a text; apostrophes close up, accents go, capitals stay."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(_DASHES))
    plain = text.encode("ascii", "ignore").translate(_TABLE, b"'`")
    return plain.replace(b".", b" . ").replace(b",", b" , ").decode("ascii").split()


def lower_words(text: str) -> list[str]:
    """Return ``cased_words`` in lower case."""
    return cased_words(text.lower())


def phrases(lines: Iterable[str]) -> Phrases:
    """Return a table of phrases from lines in which they stand divided by ``|``."""
    table: dict[str, list[tuple[str, ...]]] = {}
    for line in lines:
        for phrase in line.split("|"):
            words = tuple(lower_words(phrase))
            table.setdefault(words[0], []).append(words)
    return {first: tuple(sorted(rows, key=len, reverse=True)) for first, rows in table.items()}


def phrase_at(words: Sequence[str], at: int, table: Phrases) -> int:
    """Return how many words the longest phrase of ``table`` that begins at ``at`` has; 0 without one."""
    for phrase in table.get(words[at], ()):
        if tuple(words[at : at + len(phrase)]) == phrase:
            return len(phrase)
    return 0


def has_phrase(words: Sequence[str], table: Phrases) -> bool:
    """Say whether any phrase of ``table`` stands in the words."""
    return any(word in table and phrase_at(words, at, table) for at, word in enumerate(words))
