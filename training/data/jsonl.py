"""Owns reading JSONL: one row per line, each with its line number and what is wrong with it as JSON.

Invariant: every line of the file becomes exactly one row, however broken; memory is bounded by MAX_LINE_BYTES.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from service.revision.strict_json import NotStrictJSON, read_json
from training.data.faults import FaultKind, Finding

MAX_LINE_BYTES = 16 * 2**20


class UnreadableFile(Exception):
    """The file as a whole cannot be read: absent, of another format, or not UTF-8."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row before any record is made of it; ``share`` is how much of the file ends with it, from 0 to 1."""

    line: int
    value: Any
    findings: tuple[Finding, ...]
    share: float


class _Object(dict[str, Any]):
    """An object that remembers which of its keys came twice."""

    repeated: tuple[str, ...] = ()


def read_jsonl(path: Path) -> Iterator[RawRow]:
    """Yield a row per line. Raises ``UnreadableFile``, with the byte position where the file is not UTF-8."""
    size = max(path.stat().st_size, 1)
    offset = 0
    with path.open("rb") as handle:
        for line, (found, length) in enumerate(_lines(handle), start=1):
            value, findings = (None, (_too_long(length),)) if found is None else _row(found, offset, path)
            offset += length
            yield RawRow(line, value, findings, min(offset / size, 1.0))


def _lines(handle: BinaryIO) -> Iterator[tuple[bytes | None, int]]:
    """Every line with its length in bytes; None for one that is too long, which is passed over in pieces."""
    while found := handle.readline(MAX_LINE_BYTES + 1):
        if len(found) <= MAX_LINE_BYTES or found.endswith(b"\n"):
            yield found, len(found)
            continue
        length = len(found)
        while piece := handle.readline(MAX_LINE_BYTES):
            length += len(piece)
            if piece.endswith(b"\n"):
                break
        yield None, length


def _too_long(length: int) -> Finding:
    return Finding(FaultKind.LINE_TOO_LONG, (), f"{length} bytes, at most {MAX_LINE_BYTES} allowed")


def _row(found: bytes, offset: int, path: Path) -> tuple[Any, tuple[Finding, ...]]:
    try:
        text = found.decode()
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path}: not UTF-8 at byte {offset + error.start}: {error.reason}") from error
    if not text.strip():
        return None, (Finding(FaultKind.BLANK_LINE, (), "the line is blank"),)
    try:
        return read_json(text.rstrip()), ()
    except NotStrictJSON as error:
        return None, tuple(_diagnosis(text, error))


def _diagnosis(text: str, error: NotStrictJSON) -> Iterator[Finding]:
    """What strict JSON refuses, each with the path to it."""
    try:
        value = json.loads(text, object_pairs_hook=_object)
        found = list(_within(value))
    except (ValueError, RecursionError):
        found = []
    if not found:
        yield Finding(FaultKind.NOT_JSON, (), f"not JSON: {error}")
    yield from found


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object(pairs)
    seen: set[str] = set()
    made.repeated = tuple(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return made


def _within(value: Any) -> Iterator[Finding]:
    for path, found in walk(value):
        if isinstance(found, _Object):
            for key in found.repeated:
                yield Finding(FaultKind.REPEATED_KEY, (*path, key), "the key is given more than once")
            for key in found:
                if _has_surrogate(key):
                    yield Finding(FaultKind.LONE_SURROGATE, (*path, key), "the key holds half a character")
        elif isinstance(found, float) and not math.isfinite(found):
            yield Finding(FaultKind.NOT_FINITE, path, f"{found} is no JSON number")
        elif isinstance(found, str) and _has_surrogate(found):
            yield Finding(FaultKind.LONE_SURROGATE, path, "holds half a character (a lone surrogate)")


def walk(value: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every value inside a value with its path, outer before inner and in order, at any depth."""
    open_values: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while open_values:
        path, found = open_values.pop()
        yield path, found
        if isinstance(found, dict):
            open_values += [((*path, key), inner) for key, inner in reversed(found.items())]
        elif isinstance(found, list):
            open_values += [((*path, number), found[number]) for number in reversed(range(len(found)))]


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)
