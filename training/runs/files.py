"""Owns how a run's files are written: whole or not at all, and JSONL by the row.

Invariant: a full disk or a kill leaves a file as it was before, but for an unended last line, which is no row.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class RunError(Exception):
    """A run's folder does not fit its configuration, or cannot be written; the message names which."""


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` into a ``RunError`` that names the file and the reason."""
    try:
        yield
    except OSError as error:
        raise RunError(f"{path}: {error.strerror or error}") from error


def replace_whole(path: Path, lines: Iterable[bytes]) -> None:
    """Write beside the file, to the disk, then rename. Raises ``RunError``; the file is then as it was."""
    partial = path.with_name(f".{path.name}.partial")
    with naming(path):
        try:
            with partial.open("wb") as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            _sync_folder(path.parent)
        finally:
            partial.unlink(missing_ok=True)


def append(path: Path, data: bytes) -> None:
    """Append to the disk. Raises ``RunError``; the file is then as long as it was."""
    with naming(path), path.open("ab", buffering=0) as file:
        length = file.seek(0, os.SEEK_END)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                file.truncate(length)
            raise


def json_line(row: Mapping[str, Any], path: Path) -> bytes:
    """Write one row; raises ``RunError`` naming the file for what JSON cannot hold, NaN among it."""
    try:
        return json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise RunError(f"{path}: a row that JSON cannot hold: {error}") from error


def read_lines(path: Path) -> Iterator[tuple[bytes, Row]]:
    """Yield each ended line and its row; nothing where there is no file. Raises ``RunError`` naming a broken line."""
    with naming(path):
        if not path.exists():
            return
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.endswith(b"\n"):
                    yield line, _row(line, f"{path}:{number}")


def keep_lines(path: Path, kept: Callable[[Row], bool]) -> None:
    """Drop the rows that are not to be kept, and an unended last line; a file without either is not touched."""
    length = sum(len(line) for line, row in read_lines(path) if kept(row))
    with naming(path):
        unchanged = not path.exists() or path.stat().st_size == length
    if not unchanged:
        replace_whole(path, (line for line, row in read_lines(path) if kept(row)))


def read_object(path: Path) -> Row:
    """Read a file that is one JSON object. Raises ``RunError``."""
    with naming(path):
        return _row(path.read_bytes(), str(path))


def _row(data: bytes, where: str) -> Row:
    try:
        row = json.loads(data)
    except ValueError as error:
        raise RunError(f"{where}: not JSON: {error}") from error
    if not isinstance(row, dict):
        raise RunError(f"{where}: no JSON object")
    return row


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
