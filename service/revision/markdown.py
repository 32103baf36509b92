"""The line forms of Markdown that an edit must respect: list items, table rows, headings, rules, fenced code.

Invariant: pure functions that look at the beginning of a text, or split it into blocks without losing a byte; each
takes time in proportion to the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PREFIX = r"(?:[ \t]*+(?:>|[-*+][ \t]|\d{1,3}[.)][ \t]))*+[ \t]*+"
_OPENING = re.compile(rf"({_PREFIX})(`{{3,}}(?=[^`]*$)|~{{3,}})", re.DOTALL)
_CLOSING = re.compile(r"[ \t>]*+(`{3,}|~{3,})\s*$")
_LIST_ITEM = re.compile(r"[ \t]*+(?:(?:[-*+]|\d{1,3}[.)])[ \t]|[\u2022\u25e6\u25aa\u2023\u30fb|])")
_MARK = re.compile(r"([ \t]*)([-*+\u2022\u25e6\u25aa\u2023\u30fb]|\d{1,3}[.)]|#{1,6})([ \t]+)")
_HEADING = re.compile(r"[ \t]*+#{1,6}[ \t]")
_RULE = re.compile(r"[ \t]*+(?:[-*_=][ \t]*+){3,}+\s*$")
_BREAK = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Mark:
    """What begins a list item or a heading: ``indent``, a ``sign`` such as ``-``, ``2.`` or ``##``, and the ``gap``."""

    indent: str
    sign: str
    gap: str

    def __str__(self) -> str:
        return self.indent + self.sign + self.gap


def blocks(text: str) -> Iterator[tuple[str, bool]]:
    """Yield (line, False) or (whole fenced block, True); a fence without end holds the rest of the text."""
    fence, quoted, code = "", False, [""]
    for line in text.splitlines(keepends=True):
        if fence and quoted and not line.lstrip().startswith(">"):
            yield "".join(code), True
            fence, code = "", [""]
        if not fence:
            opening = None if line.isspace() else _OPENING.match(line)
            if opening is None:
                yield line, False
                continue
            fence, quoted = opening.group(2), ">" in opening.group(1)
            code = [line]
            continue
        code.append(line)
        if _closes(line, fence):
            yield "".join(code), True
            fence, code = "", [""]
    if fence:
        yield "".join(code), True


def fence_of(text: str) -> str:
    """Return the fence that opens the text, such as three backticks, or an empty text where it is no code block."""
    opening = _OPENING.match(_first_line(text))
    return opening.group(2) if opening else ""


def is_open(text: str) -> bool:
    """Say whether a fenced block in ``text`` has no end, so that whatever follows would be code."""
    last, is_code = "", False
    for block, block_is_code in blocks(text):
        last, is_code = block, block_is_code
    lines = last.splitlines()
    return is_code and (len(lines) < 2 or not _closes(lines[-1], fence_of(last)))


def is_line_item(unit: str) -> bool:
    """Say whether the unit is a list item or a table row, which owns its line."""
    return bool(_LIST_ITEM.match(_without_lead(unit)))


def is_row(unit: str) -> bool:
    """Say whether the unit is a table row."""
    return unit.lstrip().startswith("|")


def is_table_rule(unit: str) -> bool:
    """Say whether the unit is the row of dashes under a table's header."""
    return is_row(unit) and not unit.strip().strip("|-: \t")


def is_heading(unit: str) -> bool:
    """Say whether the unit is a heading."""
    return bool(_HEADING.match(_without_lead(unit)))


def mark_of(unit: str) -> Mark | None:
    """Return the mark of a list item or a heading."""
    match = _MARK.match(_without_lead(unit))
    return Mark(*match.groups()) if match else None


def separator(before: str, after: str) -> str | None:
    """Return the line break between two texts where Markdown needs one, or None where they may share a line."""
    if is_line_item(before) and is_line_item(after) and is_row(before) == is_row(after):
        return "\n"
    return "\n\n" if _owns_lines(before) or _owns_lines(after) else None


def line_breaks(text: str) -> int:
    """Count the line breaks in ``text``; CRLF is one."""
    return len(_BREAK.findall(text))


def line_break(text: str) -> str:
    """Return the first line break in ``text``, a line feed where it has none."""
    match = _BREAK.search(text)
    return match.group() if match else "\n"


def _owns_lines(text: str) -> bool:
    return is_line_item(text) or is_heading(text) or bool(fence_of(text)) or bool(_RULE.match(_first_line(text)))


def _closes(line: str, fence: str) -> bool:
    closing = _CLOSING.match(line)
    return closing is not None and closing.group(1).startswith(fence)


def _first_line(text: str) -> str:
    return next(iter(_without_lead(text).splitlines()), "")


def _without_lead(text: str) -> str:
    """Drop blank lines before the text, but not its indentation."""
    blank = len(text) - len(text.lstrip())
    return text[max(text.rfind("\n", 0, blank), text.rfind("\r", 0, blank)) + 1 :]
