"""Loads consultations: CMtMedQA's test file, and records of our own kind ``consultation``.

Invariant: every row becomes one consultation or is a fault by file, row and field; nothing is left out unless the
caller says so. Rows are numbered from 1. MedDiagnose's CSV is for `training.evaluation.consultations.meddiagnose`.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from service.revision.sentences import split as sentences_of
from training.data.consultations import Consultation as ConsultationRecord
from training.data.faults import Fault, FaultKind, findings_of
from training.data.files import FaultyRow, read_records
from training.data.jsonl import UnreadableFile
from training.evaluation.consultations.consultation import Consultation, Language, PatientTurn, marker

CMTMEDQA = "CMtMedQA"
SAFETY_KEYS = frozenset({"instruct", "output"})
Pair = tuple[str, str]


class _Dialogue(BaseModel):
    """A row of CMtMedQA: earlier exchanges, and the last message with its reply. ``cate2`` refines ``cate1``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str | int
    cate1: str
    cate2: str
    instruction: str
    input: str
    output: str
    history: tuple[Pair, ...]


def load_cmtmedqa(path: Path, *, skip_safety_rows: bool = False) -> list[Consultation]:
    """Return the consultations of a file such as Zhongjing's ``CMtMedQA_test.json``, those without a history included.

    A dialogue is a row with ``history``; in the published file (1,000 of them, then 144 safety rows of ``instruct``
    and ``output``) that is what PulseMind's script takes by position, ``data[:1000]``. Safety rows are faults unless
    skipped. Raises ``UnreadableFile`` and ``FaultyRow``.
    """
    found: dict[str, Consultation] = {}
    for number, row in enumerate(_json_list(path), start=1):
        if skip_safety_rows and isinstance(row, dict) and row.keys() == SAFETY_KEYS:
            continue
        consultation = _of_dialogue(path, number, row)
        if consultation.id in found:
            raise _faulty(path, number, FaultKind.DUPLICATE_ID, "id", f"{consultation.id!r} is taken")
        found[consultation.id] = consultation
    return list(found.values())


def load_records(path: Path, images: Path, *, split: Literal["train", "test"] = "test") -> list[Consultation]:
    """Return the consultations of one split of a file of our kind ``consultation``; image paths are below ``images``.

    Raises ``UnreadableFile`` and ``FaultyRow``, also where an image is absent.
    """
    found = []
    for number, record in enumerate(read_records(path, ConsultationRecord), start=1):
        if record.split == split:
            found.append(_of_record(path, number, record, images))
    return found


def with_hidden_case(consultation: Consultation, language: Language) -> Consultation:
    """Return a scripted consultation as a simulated patient's, who knows what the real one told after the opening.

    Facts are sentences, the last of a turn with the marks of the images shown then. The doctor's replies, and so the
    diagnosis, are no part of the case.
    """
    return consultation.model_copy(update={"hidden_case": tuple(_facts(consultation, language))})


def _facts(consultation: Consultation, language: Language) -> Iterator[str]:
    for turn in consultation.patient[1:]:
        *before, last = [sentence.strip() for sentence in sentences_of(turn.text) if sentence.strip()] or [""]
        marks = [marker(consultation.images.index(path) + 1, language) for path in turn.images]
        yield from before
        yield " ".join([last, *marks]).strip()


def _json_list(path: Path) -> Sequence[Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise UnreadableFile(f"{path}: {error}") from error
    if not isinstance(value, list):
        raise UnreadableFile(f"{path}: not a JSON list of rows")
    return value


def _of_dialogue(path: Path, number: int, row: Any) -> Consultation:
    if not isinstance(row, dict) or "history" not in row:
        told = "a safety row, to be skipped explicitly" if _is_safety(row) else "has no history, so is no dialogue"
        raise _faulty(path, number, FaultKind.OTHER_KIND, "history", told)
    try:
        dialogue = _Dialogue.model_validate(row)
        last = "\n".join(text for text in (dialogue.instruction, dialogue.input) if text)
        pairs = [*dialogue.history, (last, dialogue.output)]
        return Consultation(
            id=f"cmtmedqa-{dialogue.id}",
            source=CMTMEDQA,
            patient=tuple(PatientTurn(text=said) for said, _ in pairs),
            doctor=tuple(reply for _, reply in pairs),
            department=dialogue.cate1,
        )
    except ValidationError as error:
        raise FaultyRow(path, (Fault(number, f.kind, f.path, f.message) for f in findings_of(error))) from error


def _is_safety(row: object) -> bool:
    return isinstance(row, dict) and row.keys() == SAFETY_KEYS


def _of_record(path: Path, number: int, record: ConsultationRecord, images: Path) -> Consultation:
    paths = {image.id: images / image.path for image in record.images}
    absent = [
        Fault(number, FaultKind.IMAGE, ("images", place, "path"), f"no file {paths[image.id]}")
        for place, image in enumerate(record.images)
        if not paths[image.id].is_file()
    ]
    if absent:
        raise FaultyRow(path, absent)
    try:
        return Consultation(
            id=record.id,
            source=record.source,
            patient=tuple(
                PatientTurn(text=turn.text, images=tuple(str(paths[image]) for image in turn.images))
                for turn in record.turns
                if turn.role == "patient"
            ),
            doctor=tuple(turn.text for turn in record.turns if turn.role == "doctor"),
            department=record.department,
        )
    except ValidationError as error:
        raise FaultyRow(path, (Fault(number, f.kind, f.path, f.message) for f in findings_of(error))) from error


def _faulty(path: Path, number: int, kind: FaultKind, field: str, message: str) -> FaultyRow:
    return FaultyRow(path, (Fault(number, kind, (field,), message),))
