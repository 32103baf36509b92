"""Loads consultations from a CSV such as MedDiagnose's: columns ``Id`` and ``Response``, one utterance a line.

Invariant: a case becomes a consultation whole, or is a fault by file, row (from 1, without the header) and line; what
the released script leaves out is left out only where the caller asks for it.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from training.data.faults import Fault, FaultKind, findings_of
from training.data.files import FaultyRow
from training.data.jsonl import UnreadableFile
from training.evaluation.consultations.consultation import Consultation, PatientTurn, Role

MEDDIAGNOSE = "MedDiagnose"
ATTACHMENT = "<attachment>"
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")
_SPEAKER = re.compile(r"\s*(患者|医生)\s*[:\uff1a]\s*(.*?)\s*", re.DOTALL)
_ROLES: dict[str, Role] = {"患者": "patient", "医生": "doctor"}
_FILE_NAME = re.compile(r"[\w-][\w.-]*")


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    role: Role | None
    text: str


class _Wrong(Exception):
    def __init__(self, kind: FaultKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def load_meddiagnose(path: Path, images: Path, *, as_released: bool = False) -> list[Consultation]:
    """Return the cases of a file; an attachment of case ``Id`` is the file ``images/Id/attachment`` with a suffix.

    With ``as_released``, as PulseMind's script does, a line that breaks the alternation from the patient on and a last
    line of the patient are dropped; else they are faults. Its loading of one path for all attachments of a case is not
    repeated. Raises ``UnreadableFile`` and ``FaultyRow``.
    """
    found: dict[str, Consultation] = {}
    for number, row in enumerate(_rows(path), start=1):
        name = (row["Id"] or "").strip()
        try:
            if not _FILE_NAME.fullmatch(name):
                raise _Wrong(FaultKind.BAD_VALUE, f"Id {name!r} is no name of a folder")
            if name in found:
                raise _Wrong(FaultKind.DUPLICATE_ID, f"Id {name!r} is taken")
            found[name] = _consultation(name, row["Response"] or "", images / name, as_released)
        except _Wrong as wrong:
            raise FaultyRow(path, (Fault(number, wrong.kind, ("Response",), str(wrong)),)) from wrong
        except ValidationError as error:
            raise FaultyRow(path, (Fault(number, f.kind, f.path, f.message) for f in findings_of(error))) from error
    return list(found.values())


def _rows(path: Path) -> Iterator[dict[str, str | None]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle, strict=True)
            if missing := {"Id", "Response"} - set(reader.fieldnames or ()):
                raise UnreadableFile(f"{path}: no column {', '.join(sorted(missing))}")
            yield from reader
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(f"{path}: {error}") from error


def _consultation(name: str, response: str, folder: Path, as_released: bool) -> Consultation:
    lines = list(_lines(response))
    lines = _kept(lines) if as_released else _alternating(lines)
    if not lines:
        raise _Wrong(FaultKind.EMPTY_TEXT, "no exchange between patient and doctor")
    return Consultation(
        id=f"meddiagnose-{name}",
        source=MEDDIAGNOSE,
        patient=tuple(_patient_turn(line, folder) for line in lines if line.role == "patient"),
        doctor=tuple(_doctor_text(line) for line in lines if line.role == "doctor"),
    )


def _lines(response: str) -> Iterator[_Line]:
    for number, text in enumerate(re.split(r"\r\n|\r|\n", response), start=1):
        said = _SPEAKER.fullmatch(text)
        if said:
            yield _Line(number, _ROLES[said[1]], said[2])
        elif text.strip():
            yield _Line(number, None, text)


def _alternating(lines: list[_Line]) -> list[_Line]:
    for place, line in enumerate(lines):
        expected = _expected(place)
        if line.role is None:
            raise _Wrong(FaultKind.ROLES, f"line {line.number} begins with neither 患者: nor 医生:")
        if line.role != expected:
            raise _Wrong(FaultKind.ROLES, f"line {line.number} is the {line.role}'s, and the {expected}'s is due")
    if lines and lines[-1].role == "patient":
        raise _Wrong(FaultKind.ROLES, f"line {lines[-1].number}, the last, is the patient's and has no reply")
    return lines


def _kept(lines: list[_Line]) -> list[_Line]:
    kept: list[_Line] = []
    for line in lines:
        if line.role == _expected(len(kept)):
            kept.append(line)
    return kept[:-1] if len(kept) % 2 else kept


def _expected(place: int) -> Role:
    return "doctor" if place % 2 else "patient"


def _doctor_text(line: _Line) -> str:
    if ATTACHMENT in line.text:
        raise _Wrong(FaultKind.IMAGE, f"line {line.number}: a doctor shows no image")
    return line.text


def _patient_turn(line: _Line, folder: Path) -> PatientTurn:
    """Texts stand at even places between the marks, ids at odd ones."""
    parts = line.text.split(ATTACHMENT)
    if len(parts) % 2 == 0:
        raise _Wrong(FaultKind.IMAGE, f"line {line.number}: {ATTACHMENT} is opened and not closed")
    names = [name.strip() for part in parts[1::2] for name in re.split("[,\uff0c]", part)]
    text = "".join(parts[0::2]).strip()
    try:
        return PatientTurn(text=text, images=tuple(str(_image(folder, name, line)) for name in names))
    except ValidationError as error:
        raise _Wrong(FaultKind.EMPTY_TEXT, f"line {line.number} says and shows nothing") from error


def _image(folder: Path, name: str, line: _Line) -> Path:
    if not _FILE_NAME.fullmatch(name):
        raise _Wrong(FaultKind.IMAGE, f"line {line.number}: {name!r} is no name of a file")
    candidates = [folder / name, *(folder / f"{name}{suffix}" for suffix in IMAGE_SUFFIXES)]
    for candidate in candidates:
        if candidate.suffix.lower() in IMAGE_SUFFIXES and candidate.is_file():
            return candidate
    raise _Wrong(FaultKind.IMAGE, f"line {line.number}: no image {name!r} in {folder}")
