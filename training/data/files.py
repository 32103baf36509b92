"""Owns files of training data, JSONL or Parquet by their suffix: raw rows, records, and writing.

Invariant: records come out whole or not at all: the first faulty row ends the reading, with every fault in it. A file
is written beside its place and takes it only when it is complete.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from training.data.faults import Fault, findings_of
from training.data.jsonl import RawRow, UnreadableFile, read_jsonl

JSONL_SUFFIXES = frozenset({".jsonl", ".ndjson"})
PARQUET_SUFFIX = ".parquet"

R = TypeVar("R", bound=BaseModel)


class FaultyRow(Exception):
    """A row that is no record of the kind asked for."""

    def __init__(self, path: Path, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(described(path, fault) for fault in self.faults))


def described(path: Path, fault: Fault) -> str:
    """One line for one fault: file, line, field, and what is wrong."""
    return f"{path}:{fault.line}: {fault.field}: {fault.message} [{fault.kind}]"


def raw_rows(path: Path) -> Iterator[RawRow]:
    """Yield every row as it stands. Raises ``UnreadableFile``."""
    try:
        if path.suffix in JSONL_SUFFIXES:
            yield from read_jsonl(path)
        elif path.suffix == PARQUET_SUFFIX:
            from training.data.parquet import read_parquet

            yield from read_parquet(path)
        else:
            known = ", ".join(sorted({*JSONL_SUFFIXES, PARQUET_SUFFIX}))
            raise UnreadableFile(f"{path}: the suffix {path.suffix!r} is none of {known}")
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error


def as_record(raw: RawRow, record: type[R]) -> R | tuple[Fault, ...]:
    """Make the record of a row, or say everything that is wrong with the row itself."""
    if raw.findings:
        return tuple(Fault(raw.line, found.kind, found.path, found.message) for found in raw.findings)
    try:
        return record.model_validate(raw.value)
    except ValidationError as error:
        return tuple(Fault(raw.line, found.kind, found.path, found.message) for found in findings_of(error))


def read_records(path: Path, record: type[R]) -> Iterator[R]:
    """Yield the records of a file. Raises ``UnreadableFile``, and ``FaultyRow`` at the first row that is none.

    What only the whole file shows (repeated ids, image files, identifiers) is for ``check``.
    """
    for raw in raw_rows(path):
        made = as_record(raw, record)
        if isinstance(made, tuple):
            raise FaultyRow(path, made)
        yield made


def write_records(path: Path, records: Iterable[R], record: type[R]) -> int:
    """Write records in the format of the suffix and return how many. Raises ValueError for another suffix."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        if path.suffix in JSONL_SUFFIXES:
            written = _write_jsonl(partial, records)
        elif path.suffix == PARQUET_SUFFIX:
            from training.data.parquet import write_parquet

            written = write_parquet(partial, records, record)
        else:
            raise ValueError(f"{path}: no known format")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return written


def _write_jsonl(path: Path, records: Iterable[BaseModel]) -> int:
    written = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for written, row in enumerate(records, start=1):  # noqa: B007
            file.write(row.model_dump_json(exclude_none=True) + "\n")
    return written
