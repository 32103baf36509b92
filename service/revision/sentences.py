"""Splits an answer into numbered units without losing a byte.

A unit is a sentence, a list item, a table row, a heading or a whole fenced code block, with the white space after it.
Invariant: ``"".join(split(text)) == text`` for every string, in time proportional to its length.
"""

import re
from collections.abc import Iterator, Sequence

from service.revision.markdown import blocks, is_heading, is_line_item, is_row, line_breaks, separator

__all__ = ["is_line_item", "marker", "numbered", "separator_between", "split"]

_ABBREVIATIONS = frozenset(
    (
        *("dr", "mr", "mrs", "ms", "prof", "st", "jr", "sr", "inc", "dept", "tel", "fig", "no"),
        *("vs", "etc", "approx", "e.g", "i.e", "cf", "al", "max", "min", "resp", "incl", "ca"),
        *("b.i.d", "t.i.d", "q.i.d", "p.o"),
    )
)
_LONGEST_WORD = 64  # more than any abbreviation or list number with its marks; bounds the search before a full stop
_WORD_EDGES = frozenset("([\"'")
_MARKS = "-*+_#>"
_LATIN_ENDS = ".!?\u2026\u203c\u2047-\u2049\u0589\u061f\u06d4\u0964\u0965\u104b\u1362\u17d4"
_BOUNDARY = re.compile(
    # A run of ends, then white space; it is tried from its beginning only, and never given back.
    rf"(?<![{_LATIN_ENDS}])[{_LATIN_ENDS}]++[\"'\u2019\u201d\u00bb\u203a)\]*_]*+(?=\s)"
    r"|[\u3002\uff01\uff1f\uff1b\uff61]++[\u201d\u2019\u300d\u300f\uff09]*+"  # CJK ends need no space
)
_CLOSERS = "\"'\u2019\u201d\u00bb)*_"
_CJK = re.compile(r"[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U000323af]$")
_BRACKETED_NUMBER = re.compile(r"(?<!\[)(\[++)\d{1,6}\]")
_MAX_BRACKETS = 3


def split(text: str) -> tuple[str, ...]:
    """Return the units of ``text`` in order, each with its trailing white space."""
    units: list[str] = []
    parts: list[str] = []
    has_words = False
    for part in _parts(text):
        is_blank = not part.strip()
        if has_words and not is_blank:
            units.append("".join(parts))
            parts = []
        parts.append(part)
        has_words = has_words or not is_blank
    return (*units, "".join(parts)) if parts else ()


def numbered(units: Sequence[str]) -> str:
    """Render units with their number after each: ``First. [1] Second. [2]``."""
    form = _form(units)
    parts = []
    for number, unit in enumerate(units, start=1):
        core = unit.rstrip()
        parts.append(f"{core} {form % number}{unit[len(core) :] or ' '}")
    return "".join(parts).rstrip()


def marker(units: Sequence[str], number: int) -> str:
    """Return the mark that ``numbered`` puts after unit ``number``.

    It is ``[1]``, with more brackets in an answer that has bracketed numbers of its own, such as citations.
    """
    return _form(units) % number


def separator_between(unit: str, text: str) -> str:
    """Return what should stand between ``unit`` and a text newly put after it."""
    core = unit.rstrip()
    at_line_end = len(core) == len(unit) or line_breaks(unit[len(core) :]) > 0
    breaks = separator(unit, text) if at_line_end else None
    if breaks is not None:
        return breaks
    return "" if _CJK.search(core.rstrip(_CLOSERS)[-1:]) else " "


def _form(units: Sequence[str]) -> str:
    own = (len(match.group(1)) for unit in units for match in _BRACKETED_NUMBER.finditer(unit))
    depth = min(max(own, default=0) + 1, _MAX_BRACKETS)
    return "[" * depth + "%d" + "]" * depth


def _parts(text: str) -> Iterator[str]:
    for block, is_code in blocks(text):
        if is_code or block.isspace() or is_heading(block) or (is_line_item(block) and is_row(block)):
            yield block
        else:
            yield from _sentences(block)


def _sentences(line: str) -> Iterator[str]:
    start = 0
    for match in _BOUNDARY.finditer(line):
        if _is_abbreviation(line, start, match.end()):
            continue
        end = match.end()
        while end < len(line) and line[end].isspace():
            end += 1
        yield line[start:end]
        start = end
    if start < len(line):
        yield line[start:]


def _is_abbreviation(line: str, start: int, end: int) -> bool:
    """Say whether the word that ends in a full stop at ``end`` is an abbreviation, an initial or a list number."""
    if line[end - 1] != ".":
        return False
    begin, least = end - 1, max(start, end - _LONGEST_WORD)
    while begin > least and not line[begin - 1].isspace() and line[begin - 1] not in _WORD_EDGES:
        begin -= 1
    word = line[begin : end - 1].lower().lstrip("-*+")
    if word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha()):
        return True
    begins_line = begin - start < _LONGEST_WORD and not line[start:begin].strip(f"{_MARKS} \t")
    return begins_line and word.lstrip(_MARKS).rstrip(".").isdigit()
