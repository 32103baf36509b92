"""Owns checking rows: each row's own faults, then what only the file or its folder shows.

Invariant: every row is counted and every fault given once; a row that is no JSON is counted as not looked into.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from training.data.faults import Fault, FaultKind
from training.data.files import as_record
from training.data.identifiers import Recogniser, find_identifiers, masked
from training.data.jsonl import RawRow, walk
from training.data.kinds import Kind, kind_of
from training.data.seen import SeenIds

FREE_TEXT = frozenset(
    {
        "text",
        "text_raw",
        "ocr_text",
        "content",
        "criterion",
        "reason",
        "answer",
        "completion",
        "rubric",
        "ideal_completion",
    }
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What to hold a file to. ``images`` is the folder that image paths start from, None to leave files alone."""

    kind: Kind
    recognisers: Sequence[Recogniser] = ()
    images: Path | None = None


@dataclass(slots=True)
class Tally:
    """What a check has counted so far."""

    rows: int = 0
    faulty_rows: int = 0
    unread_rows: int = 0
    faults: Counter[FaultKind] = field(default_factory=Counter)

    def add(self, raw: RawRow, faults: Sequence[Fault]) -> None:
        """Count one row and its faults."""
        self.rows += 1
        self.faulty_rows += bool(faults)
        self.unread_rows += bool(raw.findings)
        self.faults.update(fault.kind for fault in faults)


def check_rows(rows: Iterable[RawRow], rules: Rules) -> Iterator[tuple[RawRow, list[Fault]]]:
    """Every row with its faults, in order. Raises sqlite3.Error where the ids seen cannot be kept."""
    with SeenIds() as seen:
        for raw in rows:
            yield raw, [*row_faults(raw, rules), *_repeated(raw, rules.kind, seen)]


def row_faults(raw: RawRow, rules: Rules) -> Iterator[Fault]:
    """The faults that one row shows by itself."""
    other = kind_of(raw.value)
    if other and other.name != rules.kind.name:
        message = f"is a {other.name} by its fields, in a file of {rules.kind.name}"
        yield Fault(raw.line, FaultKind.OTHER_KIND, (), message)
        return
    made = as_record(raw, rules.kind.record)
    if isinstance(made, tuple):
        yield from made
    yield from _identifiers(raw, rules.recognisers)
    if rules.images is not None:
        yield from _absent_images(raw, rules.images)


def _repeated(raw: RawRow, kind: Kind, seen: SeenIds) -> Iterator[Fault]:
    parts = [raw.value.get(name) for name in kind.id_fields] if isinstance(raw.value, dict) else []
    texts = [part for part in parts if isinstance(part, str)]
    if not texts or len(texts) < len(parts):
        return
    before = seen.first_line("\n".join(texts), raw.line)
    if before is not None:
        message = f"the same as on line {before}"
        yield Fault(raw.line, FaultKind.DUPLICATE_ID, kind.id_fields[:1], message)


def _identifiers(raw: RawRow, recognisers: Sequence[Recogniser]) -> Iterator[Fault]:
    for path, text in walk(raw.value) if recognisers else ():
        if not isinstance(text, str) or not path or not FREE_TEXT.intersection(path[-2:]):
            continue
        for span in find_identifiers(text, recognisers):
            message = f"looks like {span.kind} at characters {span.start} to {span.end}: {masked(text, span)}"
            yield Fault(raw.line, FaultKind.IDENTIFIER, path, message)


def _absent_images(raw: RawRow, folder: Path) -> Iterator[Fault]:
    images = raw.value.get("images") if isinstance(raw.value, dict) else None
    for number, image in enumerate(images if isinstance(images, list) else ()):
        path = image.get("path") if isinstance(image, dict) else None
        if isinstance(path, str) and not _is_file(folder, path):
            message = f"no file {path!r} in the image folder"
            yield Fault(raw.line, FaultKind.IMAGE, ("images", number, "path"), message)


def _is_file(folder: Path, path: str) -> bool:
    try:
        return (folder / path).is_file()
    except (OSError, ValueError):  # a path too long, or with a null character: no file either
        return False
