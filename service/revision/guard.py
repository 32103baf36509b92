"""Deterministic refusals: what a revision must not do, whatever a judge says of it.

Invariant: pure functions; a refusal is one member of ``Refusal``, and a guard never changes what the draft says.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from service.revision.edits import Edit, apply_edits
from service.revision.facts import drugs, is_emergency_instruction, quantities
from service.revision.rubric import Criterion
from service.revision.sentences import is_line_item, split


class Refusal(StrEnum):
    """Why an edit or a rewrite was not kept; the first group is the guard's, the second the loop's."""

    LOST_NUMBER = "lost_number"
    LOST_DRUG = "lost_drug"
    LOST_EMERGENCY = "lost_emergency"
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

_TAGS = re.compile(r"</?\s*(?:criterion|criteria|answer|principles)\s*>|<\|[^|>]*\|>", re.IGNORECASE)
_MARKER = re.compile(r"^([ \t]*)([-*+\u2022]|\d{1,3}[.)])([ \t]+)")
_MIN_LETTERS = 12
_CJK_SCRIPTS = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "BOPOMOFO"})


def fitted(units: Sequence[str], edit: Edit) -> Edit:
    """Return the edit without an echoed sentence number, and with the list marker of the line that it joins."""
    text = re.sub(rf"\s*\[{edit.number}\]$", "", edit.text)
    marker = _expected_marker(units, edit)
    if text and marker and not _MARKER.match(text) and not text.startswith("|"):
        text = marker + text
    return replace(edit, text=text)


def refusal(
    units: Sequence[str],
    edit: Edit,
    criterion: Criterion,
    accepted: Sequence[Edit] = (),
    limits: GuardLimits = DEFAULT_LIMITS,
) -> Refusal | None:
    """Say why ``edit`` must not be applied on top of ``accepted``, or None where nothing speaks against it."""
    if _TAGS.search(edit.text):
        return Refusal.PROMPT_TAGS
    if not _keeps_format(units, edit):
        return Refusal.FORMAT
    old = units[edit.number - 1] if edit.operation != "insert_after" else ""
    draft, answer = "".join(units), apply_edits(units, [*accepted, edit])
    return (
        _lost(old, edit.text, answer, criterion)
        or _language(draft, edit.text, limits)
        or _length(draft, answer, limits)
    )


def rewrite_refusal(
    draft: str, answer: str, criteria: Sequence[Criterion], limits: GuardLimits = DEFAULT_LIMITS
) -> Refusal | None:
    """Say why a whole new answer must not take the draft's place; it may lose what any of ``criteria`` lets go."""
    if _TAGS.search(answer):
        return Refusal.PROMPT_TAGS
    text = " ".join(criterion.text for criterion in criteria)
    points = -1 if criteria and all(criterion.points < 0 for criterion in criteria) else 1
    return (
        _lost(draft, answer, answer, Criterion(text, points))
        or _language(draft, answer, limits)
        or _length(draft, answer, limits)
        or _lost_table(draft, answer)
    )


def _lost(old: str, new: str, answer: str, criterion: Criterion) -> Refusal | None:
    """Compare what ``old`` says with ``new``, then with the whole answer: a fact that stands elsewhere is not lost."""
    if not old:
        return None
    if _emergencies(old) > _emergencies(new) and not is_emergency_instruction(criterion.text):
        return Refusal.LOST_EMERGENCY
    if criterion.points < 0:
        return None
    named = quantities(criterion.text)
    excused_units = {quantity.unit for quantity in named if quantity.unit}
    gone = {quantity for quantity in quantities(old) - quantities(new) - named if quantity.unit not in excused_units}
    if gone and gone - quantities(answer):
        return Refusal.LOST_NUMBER
    gone_drugs = drugs(old) - drugs(new) - drugs(criterion.text)
    if gone_drugs and gone_drugs - drugs(answer):
        return Refusal.LOST_DRUG
    return None


def _emergencies(text: str) -> bool:
    return any(is_emergency_instruction(unit) for unit in split(text))


def _length(draft: str, answer: str, limits: GuardLimits) -> Refusal | None:
    old, new = len(draft.strip()), len(answer.strip())
    fits = (
        min(old * limits.min_length_ratio, old - limits.slack_chars)
        <= new
        <= max(old * limits.max_length_ratio, old + limits.slack_chars)
    )
    return None if fits and new else Refusal.LENGTH


def _language(draft: str, text: str, limits: GuardLimits) -> Refusal | None:
    """Refuse a text whose main script hardly occurs in the draft; two languages of one script are not told apart."""
    new, old = _scripts(text), _scripts(draft)
    if new.total() < _MIN_LETTERS or old.total() < _MIN_LETTERS:
        return None
    [(script, _)] = new.most_common(1)
    return None if old[script] / old.total() >= limits.min_script_share else Refusal.LANGUAGE


def _scripts(text: str) -> Counter[str]:
    scripts: Counter[str] = Counter()
    for char, count in Counter(text).items():
        if char.isalpha():
            name = unicodedata.name(char, "").split(" ")[0]
            scripts["CJK" if name in _CJK_SCRIPTS else name] += count
    return scripts


def _keeps_format(units: Sequence[str], edit: Edit) -> bool:
    if edit.operation == "delete":
        return not _is_table_rule(units[edit.number - 1])
    neighbours = units[edit.number - 1 : edit.number + (edit.operation == "insert_after")] if edit.number else units[:1]
    if edit.operation == "insert_after" and _in_table(neighbours, edit.number):
        return _cells(edit.text) == _cells(neighbours[-1])
    if edit.operation == "insert_after":
        return True
    old = neighbours[0]
    if _is_row(old):
        return _cells(edit.text) == _cells(old) and not _is_table_rule(old)
    if old.lstrip().startswith(("```", "~~~")):
        return edit.text.lstrip().startswith(old.lstrip()[:3])
    return is_line_item(old) == is_line_item(edit.text)


def _in_table(neighbours: Sequence[str], number: int) -> bool:
    return len(neighbours) == 2 and number > 0 and all(_is_row(unit) for unit in neighbours)


def _is_row(unit: str) -> bool:
    return unit.lstrip().startswith("|")


def _is_table_rule(unit: str) -> bool:
    return _is_row(unit) and not unit.strip().strip("|-: \t")


def _cells(row: str) -> tuple[int, bool]:
    return row.strip().replace("\\|", "").count("|"), "\n" in row.strip()


def _lost_table(draft: str, answer: str) -> Refusal | None:
    had = any(_is_row(line) for line in draft.splitlines())
    return Refusal.FORMAT if had and not any(_is_row(line) for line in answer.splitlines()) else None


def _expected_marker(units: Sequence[str], edit: Edit) -> str:
    """Return the marker that the edit's text should begin with: its own line's, or the bullet of the list around it."""
    if edit.operation == "delete" or edit.number == 0:
        return ""
    match = _MARKER.match(units[edit.number - 1])
    if match is None or _MARKER.match(edit.text):
        return ""
    if edit.operation == "replace":
        return "".join(match.groups()).lstrip(" \t")
    following = _MARKER.match(units[edit.number]) if edit.number < len(units) else None
    bulleted = following is not None and following.group(2) == match.group(2) and not match.group(2)[0].isdigit()
    return "".join(match.groups()) if bulleted else ""
