"""Owns the counterparts of every prompt during a run: read from a file, refreshed, and kept with each checkpoint.

Invariant: a run that is resumed at a step has the counterparts that it had at that step.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import ValidationError

from training.data.fields import Id, Line, Row, Rows, Text
from training.methods.counterparts import Counterpart, Counterparts
from training.runs.folder import RunError

FILE_NAME = "counterparts.jsonl"


class CounterpartAnswer(Row):
    """One answer by a fixed opponent; ``refreshes`` says how often it gave way to the policy's."""

    label: Line
    answer: Text
    refreshes: int = 0


class CounterpartRow(Row):
    """The counterparts of one prompt."""

    prompt_id: Id
    counterparts: Rows[CounterpartAnswer]


class CounterpartStore:
    """The counterparts by prompt id."""

    def __init__(self, rows: Mapping[str, Counterparts]) -> None:
        self._rows = dict(rows)

    def of(self, prompt_id: str) -> Counterparts:
        """Return a prompt's counterparts. Raises ``KeyError``: `require` tells beforehand."""
        return self._rows[prompt_id]

    def put(self, counterparts: Counterparts) -> None:
        """Take the place of what the same prompt had."""
        self._rows[counterparts.prompt_id] = counterparts

    def require(self, prompt_ids: Iterable[str], source: Path) -> None:
        """Raises ``RunError`` naming the first prompt without counterparts."""
        if missing := [prompt_id for prompt_id in prompt_ids if prompt_id not in self._rows]:
            raise RunError(f"{source}: no counterparts for {len(missing)} prompts, among them {missing[0]!r}")

    def save(self, path: Path) -> None:
        """Write all rows beside their place, then put them there."""
        partial = path.with_name(f".{path.name}.partial")
        with partial.open("w", encoding="utf-8") as file:
            for row in self._rows.values():
                answers = [{"label": c.label, "answer": c.answer, "refreshes": c.refreshes} for c in row.answers_C]
                line = {"prompt_id": row.prompt_id, "counterparts": answers}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        partial.replace(path)


def load_counterparts(path: Path) -> CounterpartStore:
    """Read what ``save`` wrote, or a file of the same form. Raises ``RunError`` naming file, line and fault."""
    rows: dict[str, Counterparts] = {}
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise RunError(f"{path}: {error.strerror}") from error
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            row = CounterpartRow.model_validate_json(line)
            answers_C = tuple(Counterpart(c.label, c.answer, c.refreshes) for c in row.counterparts)
            made = Counterparts(row.prompt_id, answers_C)
        except (ValidationError, ValueError) as error:
            raise RunError(f"{path}:{number}: {error}") from error
        if made.prompt_id in rows:
            raise RunError(f"{path}:{number}: prompt {made.prompt_id!r} has counterparts already")
        rows[made.prompt_id] = made
    return CounterpartStore(rows)
