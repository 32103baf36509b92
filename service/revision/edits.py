"""Edits on numbered sentences: reading them from the model and applying them exactly.

Invariant: every unit that no edit names stands in the result byte for byte and in its order, up to the white space
after it where its neighbour is deleted.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from service.revision.markdown import line_break, line_breaks, separator
from service.revision.sentences import separator_between
from service.revision.strict_json import NotStrictJSON, has_controls, is_visible, is_whole, read_json

Operation = Literal["insert_after", "replace", "delete"]
MAX_EDIT_CHARS = 2000
# Our choice: an answer beyond either is not edited. Draft and numbered draft stand in one prompt, some 50,000 tokens
# at this bound, and one sentence in so many is no longer found by its number.
MAX_EDITED_SENTENCES = 1000
MAX_EDITED_CHARS = 100_000


class EditFailure(Exception):
    """The model's edit could not be read, or names a sentence that does not exist."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change to a numbered answer; ``number`` counts from 1, and 0 inserts before the first sentence."""

    operation: Operation
    number: int
    text: str = ""

    def as_json(self) -> str:
        """Write the edit as the model is to write it."""
        row: dict[str, Any] = {self.operation: self.number}
        if self.operation != "delete":
            row["text"] = self.text
        return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def is_editable(units: Sequence[str]) -> bool:
    """Say whether an answer of these units is short enough to be edited by sentence numbers."""
    return len(units) <= MAX_EDITED_SENTENCES and sum(map(len, units)) <= MAX_EDITED_CHARS


def edit_schema(sentences: int) -> dict[str, Any]:
    """Return the JSON schema of one edit to an answer of ``sentences`` sentences.

    Its size does not depend on their number: bounds mean the same to xgrammar and guidance as a list of all numbers.
    """
    insert = _object("insert_after", 0, sentences, with_text=True)
    if not sentences:
        return {"anyOf": [insert]}
    return {
        "anyOf": [
            insert,
            _object("replace", 1, sentences, with_text=True),
            _object("delete", 1, sentences, with_text=False),
        ]
    }


def parse_edit(text: str, sentences: int) -> Edit:
    """Read one edit. Raises ``EditFailure`` with what is wrong."""
    try:
        row = read_json(text)
    except NotStrictJSON as error:
        raise EditFailure(f"not JSON: {error}") from error
    if not isinstance(row, Mapping):
        raise EditFailure("not an object")
    operations: list[Operation] = [op for op in ("insert_after", "replace", "delete") if op in row]
    if len(operations) != 1:
        raise EditFailure("needs exactly one of insert_after, replace, delete")
    operation = operations[0]
    number = row[operation]
    if not is_whole(number, 0 if operation == "insert_after" else 1, sentences):
        raise EditFailure(f"{operation} names no sentence of {sentences}")
    return Edit(operation, number, "" if operation == "delete" else _new_text(row.get("text")))


def _new_text(value: object) -> str:
    if not isinstance(value, str) or not is_visible(value):
        raise EditFailure("no text")
    new = value.strip()
    if len(new) > MAX_EDIT_CHARS:
        raise EditFailure(f"text of {len(new)} characters: cut short, or a whole answer")
    if has_controls(new):
        raise EditFailure("text with control characters")
    return new


def conflicts(edit: Edit, accepted: Sequence[Edit]) -> bool:
    """Say whether ``edit`` rewrites a sentence that an accepted edit rewrites too, or repeats its text."""
    for other in accepted:
        rewrites = edit.operation != "insert_after" and other.operation != "insert_after"
        if rewrites and edit.number == other.number:
            return True
        if edit.text and edit.text.casefold() == other.text.casefold():
            return True
    return False


def apply_edits(units: Sequence[str], edits: Sequence[Edit]) -> str:
    """Return the answer with all edits applied; several insertions after one sentence keep their order."""
    return "".join(pieces(units, edits))


def pieces(units: Sequence[str], edits: Sequence[Edit]) -> list[str]:
    """Return the edited answer as one string for each original unit; index 0 is what stands before the first."""
    inserted: dict[int, list[str]] = {}
    changed: dict[int, Edit] = {}
    for edit in edits:
        if edit.operation == "insert_after":
            inserted.setdefault(edit.number, []).append(edit.text)
        else:
            changed[edit.number] = edit
    out = [_before_first(units, inserted.get(0, []))]
    last = 0
    for number, unit in enumerate(units, start=1):
        body = _changed(unit, changed.get(number))
        following = units[number] if number < len(units) else ""
        out.append(_with_insertions(unit, body, inserted.get(number, ()), following))
        if out[number]:
            last = number
        else:
            out[last] = _joined(out[last], unit)
    _end_as_before(units, out, last)
    return out


def _before_first(units: Sequence[str], texts: Sequence[str]) -> str:
    if not texts:
        return ""
    chained = _chain("", texts)
    return chained + _gap(texts[-1], units[0]) if units else chained


def _changed(unit: str, edit: Edit | None) -> str:
    if edit is None:
        return unit
    if edit.operation == "delete":
        return ""
    core = unit.strip()
    lead = unit[: len(unit) - len(unit.lstrip())] if core else ""
    tail = unit[len(unit.rstrip()) :]
    return lead + edit.text + tail


def _with_insertions(unit: str, body: str, texts: Sequence[str], following: str) -> str:
    """Put texts after a unit whose edited form is ``body``, with what Markdown needs before and after them."""
    if not texts:
        return body
    tail = unit[len(unit.rstrip()) :]
    core = body.removesuffix(tail) if body else ""
    first = _newline_like(separator_between(unit, texts[0]), unit) if core else ""
    needed = separator(texts[-1], following) if following and (not tail or line_breaks(tail)) else None
    if needed is not None and line_breaks(needed) > line_breaks(tail):
        tail = _newline_like(needed, unit)
    return core + first + _chain(unit, texts) + tail


def _chain(unit: str, texts: Sequence[str]) -> str:
    chained = texts[0]
    for before, after in pairwise(texts):
        chained += _newline_like(_gap(before, after), unit) + after
    return chained


def _gap(before: str, after: str) -> str:
    return separator(before, after) or separator_between(before, after)


def _newline_like(gap: str, unit: str) -> str:
    """Write a gap's line breaks as the unit writes its own."""
    return gap.replace("\n", line_break(unit)) if gap.strip(" ") else gap


def _joined(kept: str, deleted: str) -> str:
    """Give what stands before a deleted unit the unit's line breaks where it has fewer: a paragraph's end stays one."""
    core, tail = kept.rstrip(), deleted[len(deleted.rstrip()) :]
    return core + tail if kept and line_breaks(tail) > line_breaks(kept[len(core) :]) else kept


def _end_as_before(units: Sequence[str], out: list[str], last: int) -> None:
    """End the answer with the white space that the draft ended with, also where its last unit is gone."""
    if units and not out[-1] and out[last]:
        out[last] = out[last].rstrip() + units[-1][len(units[-1].rstrip()) :]


def _object(operation: Operation, lowest: int, highest: int, *, with_text: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {operation: {"type": "integer", "minimum": lowest, "maximum": highest}}
    if with_text:
        properties["text"] = {"type": "string", "minLength": 1, "maxLength": MAX_EDIT_CHARS}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
