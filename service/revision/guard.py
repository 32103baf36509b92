"""Deterministic refusals: what a revision must not do, whatever a judge says of it.

Invariant: pure functions; a refusal is one member of ``Refusal``, and a guard never changes what the draft says.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from service.revision.edits import Edit, apply_edits
from service.revision.losses import Change
from service.revision.markdown import (
    fence_of,
    is_heading,
    is_line_item,
    is_open,
    is_row,
    is_table_rule,
    line_breaks,
    mark_of,
)
from service.revision.prompts import has_marks
from service.revision.rubric import Criterion
from service.revision.sentences import marker, split


class Refusal(StrEnum):
    """Why an edit or a rewrite was not kept; the first group is the guard's, the second the loop's."""

    LOST_NUMBER = "lost_number"
    LOST_DRUG = "lost_drug"
    LOST_EMERGENCY = "lost_emergency"
    REVERSED = "reversed"
    LENGTH = "length"
    LANGUAGE = "language"
    FORMAT = "format"
    PROMPT_TAGS = "prompt_tags"

    CONFLICT = "conflict"
    STOP = "stop"
    MAX_TOKENS = "max_tokens"
    UNSCORED = "unscored"
    NOT_BETTER = "not_better"
    UNREADABLE = "unreadable"
    FAILED = "failed"
    DEADLINE = "deadline"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """How far an answer may move from its draft.

    The ratios are of characters. Within ``slack_chars`` none is held against an answer: short ones vary.
    """

    min_length_ratio: float = 0.6
    max_length_ratio: float = 2.5
    slack_chars: int = 600
    min_script_share: float = 0.1


DEFAULT_LIMITS = GuardLimits()

_MIN_LETTERS = 12
_CJK_SCRIPTS = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "BOPOMOFO"})


def fitted(units: Sequence[str], edit: Edit) -> Edit:
    """Return the edit without an echoed sentence number, with the mark of the line that it joins, or none mid-line."""
    if edit.operation == "delete":
        return edit
    text = edit.text
    if edit.number:
        text = text.removesuffix(marker(units, edit.number)).rstrip() or text
    if is_row(text) or fence_of(text):
        return replace(edit, text=text)
    found, expected = mark_of(text), _expected_mark(units, edit)
    if found is None:
        text = expected + text
    elif _joins_line(units, edit) and "\n" not in text:
        text = text[len(str(found)) :].lstrip() or text
    return replace(edit, text=text)


def refusal(
    units: Sequence[str],
    edit: Edit,
    criterion: Criterion,
    accepted: Sequence[Edit] = (),
    limits: GuardLimits = DEFAULT_LIMITS,
) -> Refusal | None:
    """Say why ``edit`` must not be applied on top of ``accepted``, or None where nothing speaks against it."""
    if has_marks(edit.text):
        return Refusal.PROMPT_TAGS
    if not _keeps_format(units, edit):
        return Refusal.FORMAT
    old = units[edit.number - 1] if edit.operation != "insert_after" else ""
    draft, answer = "".join(units), apply_edits(units, [*accepted, edit])
    changed = {other.number for other in (*accepted, edit) if other.operation != "insert_after"}
    others = [unit for number, unit in enumerate(units, start=1) if number not in changed]
    before = units[edit.number - 1] if edit.operation == "insert_after" and edit.number else ""
    change = Change(old, edit.text, answer, criterion, (*others, *(other.text for other in accepted)), before)
    return _lost(change) or _language(draft, edit.text, limits, old) or _length(draft, answer, limits)


def rewrite_refusal(
    draft: str, answer: str, criteria: Sequence[Criterion], limits: GuardLimits = DEFAULT_LIMITS
) -> Refusal | None:
    """Say why a whole new answer must not take the draft's place; it may lose what any of ``criteria`` lets go."""
    if has_marks(answer):
        return Refusal.PROMPT_TAGS
    text = " ".join(criterion.text for criterion in criteria)
    points = -1 if criteria and all(criterion.points < 0 for criterion in criteria) else 1
    return (
        _lost(Change(draft, answer, answer, Criterion(text, points), split(draft), is_whole=True))
        or _language(draft, answer, limits)
        or _length(draft, answer, limits)
        or _lost_table(draft, answer)
    )


def _lost(change: Change) -> Refusal | None:
    if change.loses_emergency():
        return Refusal.LOST_EMERGENCY
    if change.reverses_advice():
        return Refusal.REVERSED
    if change.loses_number():
        return Refusal.LOST_NUMBER
    return Refusal.LOST_DRUG if change.loses_drug() else None


def _length(draft: str, answer: str, limits: GuardLimits) -> Refusal | None:
    old, new = len(draft.strip()), len(answer.strip())
    fits = (
        min(old * limits.min_length_ratio, old - limits.slack_chars)
        <= new
        <= max(old * limits.max_length_ratio, old + limits.slack_chars)
    )
    return None if fits and new else Refusal.LENGTH


def _language(draft: str, text: str, limits: GuardLimits, replaced: str = "") -> Refusal | None:
    """Refuse a text whose main script hardly occurs in the draft, unless it is that of the sentence that it replaces.

    Two languages of one script are not told apart.
    """
    new, old = _scripts(text), _scripts(draft)
    if new.total() < _MIN_LETTERS or old.total() < _MIN_LETTERS:
        return None
    [(script, _)] = new.most_common(1)
    if script in [name for name, _ in _scripts(replaced).most_common(1)]:
        return None
    return None if old[script] / old.total() >= limits.min_script_share else Refusal.LANGUAGE


def _scripts(text: str) -> Counter[str]:
    scripts: Counter[str] = Counter()
    for char, count in Counter(text).items():
        if char.isalpha():
            name = unicodedata.name(char, "").split(" ")[0]
            scripts["CJK" if name in _CJK_SCRIPTS else name] += count
    return scripts


def _keeps_format(units: Sequence[str], edit: Edit) -> bool:
    old = units[edit.number - 1] if edit.number else ""
    following = units[edit.number] if edit.number < len(units) else ""
    heads_table = is_row(old) and is_table_rule(following)
    if edit.operation == "delete":
        return not is_table_rule(old) and not heads_table
    if edit.operation == "replace":
        return _stays_alike(old, edit.text)
    if is_open(old) or is_open(edit.text) or heads_table:
        return False
    if _joins_line(units, edit) and ("\n" in edit.text or is_row(edit.text)):
        return not (is_line_item(edit.text) or fence_of(edit.text))
    if is_row(old) and is_row(following):
        return _cells(edit.text) == _cells(following)
    return True


def _stays_alike(old: str, new: str) -> bool:
    """A replacement keeps the form of its line; the rule under a table's header is not replaced at all."""
    if is_row(old):
        return _cells(new) == _cells(old) and not is_table_rule(old)
    if is_open(new) and not is_open(old):
        return False
    if fence_of(old):
        return fence_of(new)[:1] == fence_of(old)[:1]
    return is_line_item(old) == is_line_item(new) and is_heading(old) == is_heading(new)


def _joins_line(units: Sequence[str], edit: Edit) -> bool:
    """Say whether an insertion stands after a sentence whose line goes on."""
    if edit.operation != "insert_after" or not edit.number:
        return False
    unit = units[edit.number - 1]
    return unit != unit.rstrip() and not line_breaks(unit[len(unit.rstrip()) :])


def _cells(row: str) -> tuple[int, bool]:
    return row.strip().replace("\\|", "").count("|"), "\n" in row.strip()


def _lost_table(draft: str, answer: str) -> Refusal | None:
    had = any(is_row(line) for line in draft.splitlines())
    return Refusal.FORMAT if had and not any(is_row(line) for line in answer.splitlines()) else None


def _expected_mark(units: Sequence[str], edit: Edit) -> str:
    """Return the mark that the edit's text should begin with: its own line's, or the bullet of the list around it."""
    mark = mark_of(units[edit.number - 1]) if edit.number else None
    if mark is None:
        return ""
    if edit.operation == "replace":
        return mark.sign + mark.gap
    following = mark_of(units[edit.number]) if edit.number < len(units) else None
    bulleted = following is not None and following.sign == mark.sign and not mark.sign[0].isdigit()
    return str(mark) if bulleted and mark.sign[0] != "#" else ""
