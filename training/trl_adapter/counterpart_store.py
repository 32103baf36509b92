"""Owns the counterparts of every prompt during a run: read from a file, refreshed, and kept with each checkpoint.

Invariant: a run that is resumed at a step has the counterparts that it had at that step.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from training.data.counterparts import CounterpartRow
from training.data.files import read_records
from training.methods.counterparts import Counterpart, Counterparts
from training.runs.folder import RunError


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
    """Read a file of counterparts. Raises as `read_records` does, and ``RunError`` for a prompt given twice."""
    rows: dict[str, Counterparts] = {}
    for number, row in enumerate(read_records(path, CounterpartRow), start=1):
        if row.prompt_id in rows:
            raise RunError(f"{path}:{number}: prompt {row.prompt_id!r} has counterparts already")
        answers_C = tuple(Counterpart(c.label, c.answer, c.refreshes) for c in row.counterparts)
        rows[row.prompt_id] = Counterparts(row.prompt_id, answers_C)
    return CounterpartStore(rows)
