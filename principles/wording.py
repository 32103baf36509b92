"""Owns what wording alone says of a topic: cries for help, readings of the body, and texts too short to judge.

Invariant: it only ever finds for health; what it does not find is left to the classifier.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from principles.schema import Record

WORDING_FILE = Path(__file__).with_name("talk") / "wording.toml"
FEW_WORDS = 3
FEW_WITH_A_NUMBER = 6
_WORD = re.compile(r"[^\W_]+(?:['\u2019.][^\W_]+)*")
_BETWEEN = r"[\s:\"',>+-]{0,4}(?:(?:is|was|are|of|at|now|level|down to|up to|only|just|still)\s+){0,3}"


class WordLists(Record):
    """The lists of `talk/wording.toml`: words parted by white space, and parts of regular expressions."""

    distress: str
    pleading: str
    pleasantries: str
    analytes: tuple[str, ...]
    units: tuple[str, ...]


def load_word_lists(path: Path = WORDING_FILE) -> WordLists:
    """A ValueError if it is not TOML or not of that form."""
    return WordLists.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))


def words(text: str) -> list[str]:
    """Its words and numbers, in small letters and with one kind of apostrophe."""
    return [word.casefold().replace("\u2019", "'") for word in _WORD.findall(text)]


class Wording:
    """The lists, and the words of the exemplars: which of them only talk has, and which are strange to it."""

    def __init__(self, lists: WordLists, talk: Iterable[str], health: Iterable[str]) -> None:
        """`talk` and `health` are the exemplars' texts."""
        said = [words(text) for text in talk]
        self._known = {tuple(text) for text in said}
        self._talk = {word for text in said for word in text}
        self._own = self._talk - {word for text in health for word in words(text)}
        self._distress = frozenset(lists.distress.split())
        self._pleading = frozenset(lists.pleading.split())
        self._pleasantries = frozenset(lists.pleasantries.split())
        analytes, units = "|".join(lists.analytes), "|".join(lists.units)
        self._reading = re.compile(rf"\b(?:{analytes})\b{_BETWEEN}\d|\d\s?(?:{units})\b", re.IGNORECASE)

    def has_reading(self, text: str) -> bool:
        """Whether a vital sign or a laboratory value is given with its number, or an amount with its unit."""
        return self._reading.search(text) is not None

    def is_cry(self, passage: str) -> bool:
        """Whether it is nothing but a call for help."""
        said = set(words(passage))
        return not said.isdisjoint(self._distress) and said <= self._distress | self._pleading

    def is_too_short(self, text: str) -> bool:
        """Whether it has too few words to be taken for talk.

        Up to three are, unless they are an exemplar, pleasantries only, or one is talk's own.
        """
        said = words(text)
        if len(said) > FEW_WORDS or tuple(said) in self._known:
            return False
        own = any(word.isalpha() and word in self._own for word in said)
        return not own and not (said and self._pleasantries.issuperset(said))

    def is_strange_number(self, passage: str) -> bool:
        """Whether it is a number among few words of which talk does not have one: an abbreviation, as likely as not."""
        said = words(passage)
        numbers = {word for word in said if any(map(str.isdigit, word))}
        return bool(numbers) and len(said) <= FEW_WITH_A_NUMBER and not self._talk.issuperset({*said} - numbers)
