"""Edits on numbered sentences: reading them from the model and applying them exactly.

Invariant: every unit that no edit names stands in the result byte for byte and in its order.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from service.revision.sentences import separator_after

Operation = Literal["insert_after", "replace", "delete"]
MAX_EDIT_CHARS = 2000


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


def edit_schema(sentences: int) -> dict[str, Any]:
    """Return the JSON schema of one edit to an answer of ``sentences`` sentences."""
    numbers = list(range(1, sentences + 1))
    return {
        "anyOf": [
            _object("insert_after", [0, *numbers], with_text=True),
            _object("replace", numbers, with_text=True),
            _object("delete", numbers, with_text=False),
        ]
    }


def parse_edit(text: str, sentences: int) -> Edit:
    """Read one edit. Raises ``EditFailure`` with what is wrong."""
    try:
        row = json.loads(text)
    except ValueError as error:
        raise EditFailure(f"not JSON: {error}") from error
    if not isinstance(row, Mapping):
        raise EditFailure("not an object")
    operations: list[Operation] = [op for op in ("insert_after", "replace", "delete") if op in row]
    if len(operations) != 1:
        raise EditFailure("needs exactly one of insert_after, replace, delete")
    operation = operations[0]
    number, new = row[operation], row.get("text", "")
    lowest = 0 if operation == "insert_after" else 1
    if not isinstance(number, int) or isinstance(number, bool) or not lowest <= number <= sentences:
        raise EditFailure(f"{operation} names sentence {number!r} of {sentences}")
    if operation != "delete" and (not isinstance(new, str) or not new.strip()):
        raise EditFailure(f"{operation} without text")
    return Edit(operation, number, "" if operation == "delete" else new.strip()[:MAX_EDIT_CHARS])


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
    for number, unit in enumerate(units, start=1):
        body = _changed(unit, changed.get(number))
        out.append(_with_insertions(unit, body, inserted.get(number, ())))
    _close_last_gap(units, out)
    return out


def _before_first(units: Sequence[str], texts: Sequence[str]) -> str:
    if not texts:
        return ""
    gap = separator_after(units[0]) if units else " "
    joined = gap.join(texts)
    return joined + gap if units else joined


def _changed(unit: str, edit: Edit | None) -> str:
    if edit is None:
        return unit
    if edit.operation == "delete":
        return ""
    core = unit.strip()
    lead = unit[: len(unit) - len(unit.lstrip())] if core else ""
    tail = unit[len(unit.rstrip()) :]
    return lead + edit.text + tail


def _with_insertions(unit: str, body: str, texts: Sequence[str]) -> str:
    if not texts:
        return body
    core = body.rstrip()
    tail = body[len(core) :] or unit[len(unit.rstrip()) :]
    gap = separator_after(unit)
    return gap.join([core, *texts] if core else texts) + tail


def _close_last_gap(units: Sequence[str], out: list[str]) -> None:
    """Separate what now follows a former last unit, and drop the space that a deleted last unit leaves behind."""
    ended_clean = not units or units[-1] == units[-1].rstrip()
    if not ended_clean:
        return
    for index in range(len(out) - 1, -1, -1):
        if out[index]:
            out[index] = out[index].rstrip()
            return


def _object(operation: Operation, numbers: list[int], *, with_text: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {operation: {"type": "integer", "enum": numbers}}
    if with_text:
        properties["text"] = {"type": "string", "minLength": 1, "maxLength": MAX_EDIT_CHARS}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
