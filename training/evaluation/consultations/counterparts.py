"""Counterparts: other doctors' consultations on the same cases, from a file or from the rows of another run.

Invariant: a counterpart has one consultation a case; a set of counterparts is named by its content, so that a log tells
which one it was scored with.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from training.data.faults import Fault, FaultKind
from training.data.fields import Id, Line
from training.data.fields import Row as Record
from training.data.files import FaultyRow, as_record, raw_rows
from training.evaluation.consultations.consultation import Transcript, read_transcript
from training.evaluation.consultations.dialogue import TRANSCRIPT
from training.evaluation.rows import Row


class MissingCounterpart(ValueError):
    """A case that lacks a counterpart which other cases have; the message says which."""


class _Line(Record):
    case: Id
    counterpart: Line
    transcript: list[list[str]]


@dataclass(frozen=True)
class Counterparts:
    """Consultations by counterpart's name and case's id."""

    transcripts: Mapping[str, Mapping[str, Transcript]]

    @cached_property
    def name(self) -> str:
        """The names and a hash of what they say."""
        content = json.dumps(self.transcripts, sort_keys=True)
        return f"{'+'.join(self.transcripts)}@{hashlib.sha256(content.encode()).hexdigest()[:8]}"

    def of(self, case: str) -> dict[str, Transcript]:
        """Return every counterpart's consultation of a case. Raises ``MissingCounterpart``."""
        missing = [name for name, by_case in self.transcripts.items() if case not in by_case]
        if missing or not self.transcripts:
            raise MissingCounterpart(f"{case} has no consultation by {', '.join(missing) or 'any counterpart'}")
        return {name: by_case[case] for name, by_case in self.transcripts.items()}

    def __or__(self, other: "Counterparts") -> "Counterparts":
        """Join two sets. Raises ``ValueError`` for a name in both."""
        if both := self.transcripts.keys() & other.transcripts.keys():
            raise ValueError(f"two counterparts are called {', '.join(sorted(both))}")
        return Counterparts({**self.transcripts, **other.transcripts})


def of_rows(rows: Iterable[Row], name: str) -> Counterparts:
    """Make a counterpart of a run's rows, of each case the first epoch. Raises ``ValueError`` without transcripts."""
    return Counterparts({name: {row.id: _transcript(row) for row in rows if row.epoch == 1}})


def write_transcripts(rows: Iterable[Row], name: str, path: Path) -> int:
    """Write a run's consultations as a counterpart's file, a line a case, and return how many."""
    by_case = of_rows(rows, name).transcripts[name]
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8") as handle:
        for case, transcript in by_case.items():
            line = {"case": case, "counterpart": name, "transcript": transcript}
            handle.write(json.dumps(line, ensure_ascii=False) + "\n")
    partial.replace(path)
    return len(by_case)


def read_counterparts(paths: Sequence[Path]) -> Counterparts:
    """Read files of lines ``{"case", "counterpart", "transcript"}``; a file may hold several counterparts.

    Raises ``UnreadableFile``, and ``FaultyRow`` for a line that is none or repeats a case of its counterpart.
    """
    found: dict[str, dict[str, Transcript]] = {}
    for path in paths:
        for raw in raw_rows(path):
            line = as_record(raw, _Line)
            if isinstance(line, tuple):
                raise FaultyRow(path, line)
            by_case = found.setdefault(line.counterpart, {})
            if line.case in by_case:
                told = f"{line.counterpart!r} has a consultation of {line.case!r} already"
                raise FaultyRow(path, [Fault(raw.line, FaultKind.DUPLICATE_ID, ("case",), told)])
            try:
                by_case[line.case] = read_transcript(line.transcript)
            except ValueError as error:
                raise FaultyRow(path, [Fault(raw.line, FaultKind.ROLES, ("transcript",), str(error))]) from error
    return Counterparts(found)


def _transcript(row: Row) -> Transcript:
    try:
        return read_transcript(row.answered.extra.get(TRANSCRIPT))
    except ValueError as error:
        raise ValueError(f"{row.id}: its transcript {error}") from error
