"""Owns finding names that nothing announces: a word with a capital inside a sentence that no list explains.

Invariant: pure functions of text. Lines whose words mostly begin with capitals are headings and are left alone; a word
that begins a sentence counts only before another such word, or before a verb that only people do.
"""

# ruff: noqa: RUF001 - curly apostrophes and full-width marks are what the texts hold

import re
import unicodedata
from collections.abc import Iterator, Sequence

from service.revision.facts import drugs
from training.data.identifiers import Identifier, IdentifierKind
from training.data.lexicon import words

MAX_HEADING_SHARE = 0.6
MIN_HEADING_WORDS = 3

_WORD = re.compile(r"(?<!\w)[^\W\d_]+(?:[-'’][^\W\d_]+){0,4}(?![\w-])\.?")
_SENTENCE_END = re.compile(r"(?:^|[.!?:;。！？：；\n\"“”‘(\[*•|>-]|\d[.)])\s*$")
_NO_NAME = re.compile(r"^.?$|^[a-z]-|^i'|'(?:ll|ve|re|d|m)$")  # one letter, D-dimer, I've, She'll
_PERSONS_VERB = re.compile(
    r"\s(?:said|says|told|tells|asked|asks|complain(?:ed|s)|present(?:ed|s)\swith|fainted|collapsed|took|takes|thinks|thought|wants|wanted|"
    r"lives|works|denies|denied|reports|reported|feels|felt|drove|called|phoned|rang|weighs|smokes|drinks|has\shad|was\sborn|is\smy|was\smy)\b"
)


class CapitalRules:
    """A recogniser of names by their capital alone."""

    def find(self, text: str) -> Sequence[Identifier]:
        """Every run of unexplained words."""
        return [span for start, end in _lines(text) for span in _in_line(text, start, end)]


def _lines(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for line in text.splitlines(keepends=True):
        found = _WORD.findall(line)
        capitals = sum(1 for word in found if word[0].isupper())
        if len(found) < MIN_HEADING_WORDS or capitals <= MAX_HEADING_SHARE * len(found):
            yield at, at + len(line)
        at += len(line)


def _in_line(text: str, start: int, end: int) -> Iterator[Identifier]:
    run: list[re.Match[str]] = []
    for match in _WORD.finditer(text, start, end):
        joined = bool(run) and text[run[-1].end() : match.start()] == " " and not run[-1].group().endswith(".")
        if run and not (joined and _unexplained(match.group())):
            yield from _named(text, run)
            run = []
        if _unexplained(match.group()):
            run.append(match)
    yield from _named(text, run)


def _named(text: str, run: Sequence[re.Match[str]]) -> Iterator[Identifier]:
    if not run:
        return
    first, last = run[0], run[-1]
    begins = _SENTENCE_END.search(text[max(0, first.start() - 8) : first.start()]) is not None
    if (
        begins
        and len(run) == 1
        and (not _PERSONS_VERB.match(text, last.end()) or _folded(first.group()) in words("people"))
    ):
        return
    if begins and len(run) > 1 and _folded(first.group()) in words("people"):
        first = run[1]
    end = first.start() + len(text[first.start() : last.end()].rstrip(".").removesuffix("'s").removesuffix("’s"))
    yield Identifier(first.start(), end, IdentifierKind.NAME)


def _unexplained(word: str) -> bool:
    """Say whether a word has a name's shape and is neither a medicine nor in a list."""
    plain = _folded(word)
    if not word[0].isupper() or word.rstrip(".").isupper() or _NO_NAME.search(plain):
        return False
    parts = set(re.split(r"[-'’]", plain)) | {plain}
    return not (parts & words("capitals") or parts & words("brands") or drugs(plain))


def _folded(word: str) -> str:
    text = word.rstrip(".").replace("’", "'").removesuffix("'s").removesuffix("'")
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char)).lower()
