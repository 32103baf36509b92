"""A text as words without case or accents, so that phrases of many are found by look-up and not by a long pattern.

Invariant: linear time; a full stop or comma among the words is the end of a sentence or of a clause, and nothing else.
Scripts other than Latin leave no words: they are searched for as they stand.
"""

import unicodedata
from collections.abc import Sequence

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


def word_set(*lines: str) -> frozenset[str]:
    """Return the words of lines in which they stand divided by spaces."""
    return frozenset(" ".join(lines).split())


class Phrases:
    """A set of phrases, looked up by their first word; ``lines`` hold them divided by ``|``."""

    def __init__(self, *lines: str) -> None:
        self._by_first: dict[str, list[list[str]]] = {}
        for phrase in "|".join(lines).split("|"):
            words = lower_words(phrase)
            self._by_first.setdefault(words[0], []).append(words)

    @property
    def first_words(self) -> frozenset[str]:
        """The words with which a phrase begins."""
        return frozenset(self._by_first)

    def length_at(self, words: Sequence[str], at: int) -> int:
        """Return how many words the longest phrase that begins at ``at`` has; 0 where none does."""
        rows = self._by_first.get(words[at])
        if rows is None:
            return 0
        return max((len(row) for row in rows if words[at : at + len(row)] == row), default=0)

    def places(self, words: Sequence[str]) -> list[int]:
        """Return where a phrase begins."""
        return [at for at, word in enumerate(words) if word in self._by_first and self.length_at(words, at)]
