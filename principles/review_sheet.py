"""Owns the review sheet: a CSV of candidate principles that a clinician decides on in a spreadsheet, and its reading.

Invariant: any fault refuses the whole sheet and names row and column; nothing counts as reviewed without a reviewer.
A cell that a spreadsheet would run as a formula is written with an apostrophe before it, which reading takes off.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from principles.corpus import Corpus, CorpusError, describe
from principles.schema import Principle

APPLIES = ("urgency", "uncertainty", "expertise", "task_type")
CONTENT = ("id", "dimension", "title", "statement", "why", "polarity", "points")
EVIDENCE = ("support", "same_as", "similarity", "examples")
COLUMNS = ("decision", "reviewer", "date", *CONTENT, *(f"applies_{name}" for name in APPLIES), *EVIDENCE)
STATUS = {"accept": "accepted", "edit": "edited", "reject": "rejected"}
BYTE_ORDER_MARK = "\ufeff"
_SEPARATOR = "; "
_DELIMITERS = ",;\t"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True)
class Reviewed:
    """What a sheet says: the principles to bring in, how many were rejected, and how many nobody decided on."""

    corpus: Corpus
    rejected: int
    undecided: int


def sheet_text(rows: Iterable[Mapping[str, str]]) -> str:
    """The whole sheet, with a byte order mark (without which Excel takes UTF-8 for another encoding).

    Each row has the columns of ``COLUMNS`` by name; decision, reviewer and date may be absent. KeyError for others.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        values = {"decision": "", "reviewer": "", "date": "", **row}
        writer.writerow([_guarded(values[column]) for column in COLUMNS])
    return BYTE_ORDER_MARK + out.getvalue()


def joined(values: Iterable[str]) -> str:
    """Several values in one cell."""
    return _SEPARATOR.join(values)


def read_review_sheet(path: Path, *, unreviewed: bool = False) -> Reviewed:
    """Read a sheet; comma, semicolon or tab may part the cells, since spreadsheets save as their country does.

    Rows without a decision are left out and counted, unless ``unreviewed`` asks for them. Raises CorpusError with every
    fault, by the row's number in the spreadsheet, and FileNotFoundError.
    """
    rows = list(_rows(path))
    faults: list[str] = []
    principles: list[tuple[str, Principle]] = []
    rejected = undecided = 0
    for place, cells in rows:
        decision = cells["decision"].strip().lower()
        if found := list(_decision_faults(place, decision, cells)):
            faults += found
        elif decision == "reject":
            rejected += 1
        elif not decision and not unreviewed:
            undecided += 1
        else:
            try:
                principles.append((place, _principle(decision, cells)))
            except ValidationError as error:
                faults += [_in_columns(fault) for fault in describe(error, place)]
    faults += _repeated(principles)
    if faults:
        raise CorpusError(faults)
    return Reviewed(Corpus(tuple(principle for _, principle in principles)), rejected, undecided)


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Place and cells of every row that is not blank; the header is row 1."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError([f"{path.name}: not UTF-8 at byte {error.start}; save as CSV UTF-8"]) from error
    first = text.splitlines()[0] if text else ""
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if number == 1:
                header = _header(cells, path.name)
                continue
            if not any(cell.strip() for cell in cells):
                continue
            place = f"{path.name}: row {number}"
            if any(cell.strip() for cell in cells[len(header) :]) or len(cells) < len(header):
                raise CorpusError([f"{place}: {len(cells)} cells for {len(header)} columns"])
            yield place, {name: _plain(cell) for name, cell in zip(header, cells, strict=False)}
    except csv.Error as error:
        raise CorpusError([f"{path.name}: row {number + 1}: not CSV: {error}"]) from error
    if not number:
        raise CorpusError([f"{path.name}: row 1: the header is missing"])


def _header(cells: Sequence[str], name: str) -> list[str]:
    """The columns' names, in any order. Raises CorpusError where one is missing, unknown or repeated."""
    header = [cell.strip().lower() for cell in cells]
    while header and not header[-1]:
        header.pop()
    faults = [f"{name}: row 1: {column}: the column is missing" for column in COLUMNS if column not in header]
    faults += [f"{name}: row 1: {column or 'blank'}: no such column" for column in header if column not in COLUMNS]
    faults += [f"{name}: row 1: {column}: the column is repeated" for column in COLUMNS if header.count(column) > 1]
    if faults:
        raise CorpusError(faults)
    return header


def _decision_faults(place: str, decision: str, cells: Mapping[str, str]) -> Iterator[str]:
    if decision and decision not in STATUS:
        yield f"{place}: decision: {decision!r} is none of {', '.join(STATUS)}, or empty"
    for column in ("reviewer", "date"):
        if decision and not cells[column].strip():
            yield f"{place}: {column}: empty beside the decision {decision}"
        if not decision and cells[column].strip():
            yield f"{place}: decision: empty beside a {column}"


def _principle(decision: str, cells: Mapping[str, str]) -> Principle:
    review: dict[str, object] = {"status": "unreviewed"}
    if decision:
        review = {"status": STATUS[decision], "reviewer": cells["reviewer"].strip(), "date": cells["date"].strip()}
    points = cells["points"].strip()
    applies = {name: _listed(cells[f"applies_{name}"]) for name in APPLIES}
    content: dict[str, object] = {name: cells[name].strip() for name in CONTENT}
    content["points"] = int(points) if points.removeprefix("-").isdecimal() else points
    return Principle.model_validate({**content, "applies": applies, "review": review})


def _listed(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(_SEPARATOR.strip()) if part.strip()]


def _in_columns(fault: str) -> str:
    """Name the column where the schema names a field inside another."""
    return fault.replace(": applies.", ": applies_").replace(": review.", ": ").replace(": review: ", ": decision: ")


def _repeated(principles: Iterable[tuple[str, Principle]]) -> Iterator[str]:
    first: dict[str, str] = {}
    for place, principle in principles:
        if (taken := first.setdefault(principle.id, place)) != place:
            yield f"{place}: id: {principle.id} is taken by {taken.rpartition(': ')[2]}"


def _guarded(cell: str) -> str:
    if cell.removeprefix("-").isdecimal():
        return cell
    return f"'{cell}" if cell.startswith(_FORMULA) or _is_guarded(cell) else cell


def _plain(cell: str) -> str:
    return cell[1:] if _is_guarded(cell) else cell


def _is_guarded(cell: str) -> bool:
    return cell[:1] == "'" and cell[1:].startswith((*_FORMULA, "'"))
