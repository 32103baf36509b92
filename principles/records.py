"""Owns reading a folder of JSON lines into records.

Invariant: records come in name and line order, and a bad one is told by file and line.
"""

import json
from pathlib import Path
from typing import TypeVar

from principles.schema import Record

R = TypeVar("R", bound=Record)


def read_records(folder: Path, kind: type[R]) -> tuple[R, ...]:
    """Every record of the folder's `*.jsonl` files; a ValueError names a bad one's file and line."""
    found: list[R] = []
    for file in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(file.read_text(encoding="utf-8").rstrip("\n").split("\n"), start=1):
            try:
                found.append(kind.model_validate(json.loads(line)))
            except ValueError as error:
                raise ValueError(f"{file.name}:{number}: {error}") from error
    return tuple(found)
