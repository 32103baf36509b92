"""Owns what a run has done so far: one append-only file, one line a row, each on the disk before it counts.

Invariant: a row that has a result is never given out again and never recorded twice, whatever killed the run; only one
process writes, and it holds the folder's lock.
"""

import fcntl
import json
import os
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel

from training.runs.files import append, naming
from training.runs.folder import RunFolder
from training.synthesise.settings import SynthesisError

ABSENT = -1
JOURNAL = "journal.jsonl"


class Journal:
    """The results of ``rows`` input rows, by line from 1; memory is 16 bytes a row. A context manager."""

    def __init__(self, folder: Path, identity: BaseModel, rows: int) -> None:
        """Make the folder, or go on in it. Raises ``SynthesisError`` where another run works there, and ``RunError``
        for a folder of other settings, or one that cannot be written.
        """
        with naming(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = (folder / ".lock").open("wb")
        try:
            _take(self._lock.fileno(), folder)
            self.run = RunFolder.open(folder, identity)
            self.path = folder / JOURNAL
            self._done = array("q", [ABSENT]) * (rows + 1)
            self._failed = array("q", [ABSENT]) * (rows + 1)
            self._end = 0
            self._read_on()
        except BaseException:
            self._lock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.close()

    def is_done(self, line: int) -> bool:
        """Say whether the row of that line has a result."""
        return self._done[line] != ABSENT

    @property
    def done(self) -> int:
        """How many rows have a result."""
        return sum(offset != ABSENT for offset in self._done)

    def commit(self, entries: Iterable[dict[str, Any]]) -> None:
        """Write results and failures of rows, all of them or none; one of a row that is done already is left out.

        An entry has its ``line``, and ``done`` or ``failed``. Raises ``RunError``; the file is then as it was.
        """
        fresh = {entry["line"]: entry for entry in entries if not self.is_done(entry["line"])}
        lines = [json.dumps(entry, ensure_ascii=False).encode() + b"\n" for entry in fresh.values()]
        append(self.path, b"".join(lines))
        for entry, line in zip(fresh.values(), lines, strict=True):
            self._note(entry, len(line))

    def results(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield line and result of every row that has one, in the input's order."""
        return self._entries(self._done, "done")

    def failures(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield line and last failure of every row that has no result, in the input's order."""
        failed = ((line, offset) for line, offset in enumerate(self._failed) if not self.is_done(line))
        lacking = array("q", [ABSENT]) * len(self._failed)
        for line, offset in failed:
            lacking[line] = offset
        return self._entries(lacking, "failed")

    def _entries(self, offsets: "array[int]", outcome: str) -> Iterator[tuple[int, dict[str, Any]]]:
        with naming(self.path):
            if not self.path.exists():
                return
            with self.path.open("rb") as file:
                for line, offset in enumerate(offsets):
                    if offset != ABSENT:
                        file.seek(offset)
                        yield line, json.loads(file.readline())[outcome]

    def _read_on(self) -> None:
        """Take up what is there, and cut off a line that a kill left unended."""
        with naming(self.path):
            if not self.path.exists():
                return
            with self.path.open("rb+") as file:
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._note(_entry(line, self.path), len(line))
                file.truncate(self._end)
                os.fsync(file.fileno())

    def _note(self, entry: dict[str, Any], length: int) -> None:
        offsets = self._done if "done" in entry else self._failed
        offsets[entry["line"]] = self._end
        self._end += length


def _entry(line: bytes, path: Path) -> dict[str, Any]:
    try:
        entry: dict[str, Any] = json.loads(line)
    except ValueError as error:
        raise SynthesisError(f"{path}: a line that is no entry: {error}") from error
    return entry


def _take(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise SynthesisError(f"{folder}: another run is at work there") from error
