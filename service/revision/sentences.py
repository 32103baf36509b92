"""Splits an answer into numbered units without losing a byte.

A unit is a sentence, a list item, a table row or a whole fenced code block, with the white space that follows it.
Invariant: ``"".join(split(text)) == text`` for every string.
"""

import re
from collections.abc import Iterator, Sequence

_FENCE = re.compile(r"^[ \t]*(```|~~~)")
_ABBREVIATIONS = frozenset(
    (
        *("dr", "mr", "mrs", "ms", "prof", "st", "jr", "sr", "inc", "dept", "tel", "fig", "no"),
        *("vs", "etc", "approx", "e.g", "i.e", "cf", "al", "max", "min", "resp", "incl", "ca"),
        *("b.i.d", "t.i.d", "q.i.d", "p.o"),
    )
)
_WORD_BEFORE_STOP = re.compile(r"([^\s(\[\"']+)\.$")
_BOUNDARY = re.compile(
    r"[.!?\u2026\u061f\u06d4\u0964]+[\"'\u2019\u201d)\]*_]*(?=\s)"  # Latin, Arabic, Devanagari ends, then white space
    r"|[\u3002\uff01\uff1f\uff1b]+[\u201d\u2019\u300d\u300f\uff09]*"  # CJK ends need no space
)
_LIST_ITEM = re.compile(r"^[ \t]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]|[\u2022|])")
_CJK = re.compile(r"[\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef]$")


def split(text: str) -> tuple[str, ...]:
    """Return the units of ``text`` in order, each with its trailing white space."""
    units: list[str] = []
    for block, is_code in _blocks(text):
        for unit in (block,) if is_code else _sentences(block):
            if units and not unit.strip():
                units[-1] += unit
            else:
                units.append(unit)
    if len(units) > 1 and not units[0].strip():
        units[:2] = [units[0] + units[1]]
    return tuple(units)


def numbered(units: Sequence[str]) -> str:
    """Render units with their number after each: ``First. [1] Second. [2]``."""
    parts = []
    for number, unit in enumerate(units, start=1):
        core = unit.rstrip()
        parts.append(f"{core} [{number}]{unit[len(core) :] or ' '}")
    return "".join(parts).rstrip()


def is_line_item(unit: str) -> bool:
    """Say whether the unit is a list item or a table row, which owns its line."""
    return bool(_LIST_ITEM.match(unit))


def separator_after(unit: str) -> str:
    """Return what should stand between ``unit`` and a sentence newly put after it."""
    core = unit.rstrip()
    if is_line_item(unit) or _FENCE.match(unit):
        return "\n"
    return "" if _CJK.search(core) else " "


def _blocks(text: str) -> Iterator[tuple[str, bool]]:
    """Yield (line or whole fenced block, is code)."""
    fence: str | None = None
    code: list[str] = []
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if fence is None and mark is None:
            yield line, False
            continue
        code.append(line)
        if fence is None and mark is not None:
            fence = mark.group(1)
        elif mark is not None and mark.group(1) == fence:
            yield "".join(code), True
            fence, code = None, []
    if code:
        yield "".join(code), True


def _sentences(line: str) -> Iterator[str]:
    if is_line_item(line) and line.lstrip().startswith("|"):
        yield line
        return
    start = 0
    for match in _BOUNDARY.finditer(line):
        if _is_abbreviation(line[start : match.end()]):
            continue
        end = match.end()
        while end < len(line) and line[end].isspace():
            end += 1
        yield line[start:end]
        start = end
    if start < len(line):
        yield line[start:]


def _is_abbreviation(text: str) -> bool:
    found = _WORD_BEFORE_STOP.search(text)
    if found is None:
        return False
    word = found.group(1).lower().lstrip("-*+")
    return word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha()) or text.strip().rstrip(".").isdigit()
