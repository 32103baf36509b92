"""Owns consultations in the manner of MediScope: patient and doctor in turn, with images, and how they were curated.

Invariant: turns alternate from the patient to the doctor's last, every image named exists and is used, and an expanded
reply keeps the numbers, units and medicines of the raw one. The published set has no schema; this one is ours.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator

from training.data.faults import FaultKind, Finding, refuse, wrong
from training.data.fields import Id, Line, OptionalText, Row, Rows, Text
from training.data.kept import lost_facts

MAX_TURNS = 400
MAX_IMAGES = 200
OLDEST_YEARS = 89

ImageType = Literal[
    "ultrasound",
    "ct_mri",
    "pathology",
    "endoscopy",
    "medical_record",
    "lab",
    "prescription",
    "surgery",
    "photo",
    "other",
]
Source = Literal["mediscope", "meddiagnose", "cmtmedqa", "synthetic"]
Count = Annotated[int, Field(ge=0)]


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts or "\\" in path or re.match(r"[A-Za-z]:", path):
        raise wrong(FaultKind.IMAGE, "must be relative, with forward slashes, and stay in the image folder")
    return path


def _no_rare_age(age: str) -> str:
    if (years := re.fullmatch(r"(\d+)y?", age)) and int(years[1]) > OLDEST_YEARS:
        raise wrong(FaultKind.IDENTIFIER, f"an age over {OLDEST_YEARS} identifies; write 90+")
    return age


class PhiCheck(Row):
    """What was found in an image: hits of patterns in its text, hits of names, and whether they are blacked out."""

    ocr_hits: Count
    ner_hits: Count
    redacted: bool

    @field_validator("redacted")
    @classmethod
    def _hits_are_redacted(cls, redacted: bool, info: ValidationInfo) -> bool:
        hits = info.data.get("ocr_hits", 0) + info.data.get("ner_hits", 0)
        if hits and not redacted:
            raise wrong(FaultKind.IDENTIFIER, f"{hits} identifiers found in the image and none blacked out")
        return redacted


class Image(Row):
    """One image of a consultation; ``ocr_text`` is the text read from it, empty where there is none."""

    id: Id
    path: Annotated[Line, AfterValidator(_inside)]
    type: ImageType
    ocr_text: OptionalText
    phi_check: PhiCheck


class Patient(Row):
    """Who is ill; ``age`` is years, or a number with d, w, m or y, or ``90+``."""

    sex: Literal["F", "M", "other", "unknown"]
    age: Annotated[str, StringConstraints(pattern=r"^(\d{1,3}[dwmy]?|90\+|unknown)$"), AfterValidator(_no_rare_age)]


class Turn(Row):
    """One utterance. Only patients show images, and may then be silent; ``text_raw`` is a reply before expansion."""

    role: Literal["patient", "doctor"]
    images: Rows[Id] = Field((), max_length=MAX_IMAGES)
    text_raw: Text | None = None
    edits: Rows[Literal["filler_removed", "expanded", "proofread"]] = Field((), max_length=10)
    text: OptionalText

    @field_validator("images")
    @classmethod
    def _only_of_patients(cls, images: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if images and info.data.get("role") == "doctor":
            raise wrong(FaultKind.IMAGE, "a doctor's turn shows no image")
        return images

    @field_validator("text_raw")
    @classmethod
    def _only_of_doctors(cls, raw: str | None, info: ValidationInfo) -> str | None:
        if raw is not None and info.data.get("role") == "patient":
            raise wrong(FaultKind.ROLES, "only a doctor's reply is expanded")
        return raw

    @field_validator("text")
    @classmethod
    def _says_something(cls, text: str, info: ValidationInfo) -> str:
        if not text.strip() and not (info.data.get("role") == "patient" and info.data.get("images")):
            raise wrong(FaultKind.EMPTY_TEXT, "a turn without an image must say something")
        if raw := info.data.get("text_raw"):
            refuse(Finding(lost.kind, (), f"lacks {lost.fact} of text_raw") for lost in lost_facts(raw, text))
        return text


class Checks(Row):
    """What the proofreader looked at; true where it holds."""

    completeness: bool
    consistency: bool
    compliance: bool
    professional: bool


class Proofread(Row):
    """Who proofread, by role and never by name, and with what result."""

    by: Id
    ok: bool
    checks: Checks


class Anonymized(Row):
    """Which of the two searches for identifiers were made before this file was written."""

    ner: bool
    ocr: bool


class Curation(Row):
    """How the consultation came to be."""

    collected: Line
    anonymized: Anonymized
    expanded_by: Line | None = None
    proofread: Proofread | None = None


class Consultation(Row):
    """One consultation."""

    id: Id
    source: Source
    split: Literal["train", "test"]
    department: Line
    sub_specialty: Line | None = None
    patient: Patient
    images: Rows[Image] = Field(max_length=MAX_IMAGES)
    turns: Rows[Turn] = Field(min_length=2, max_length=MAX_TURNS)
    curation: Curation

    @field_validator("images")
    @classmethod
    def _told_apart(cls, images: tuple[Image, ...]) -> tuple[Image, ...]:
        refuse(_repeated_ids(images))
        return images

    @field_validator("turns")
    @classmethod
    def _in_order(cls, turns: tuple[Turn, ...], info: ValidationInfo) -> tuple[Turn, ...]:
        images: tuple[Image, ...] | None = info.data.get("images")
        unresolved = [] if images is None else list(_image_findings(turns, [image.id for image in images]))
        refuse([*_role_findings(turns), *unresolved])
        return turns

    @field_validator("curation")
    @classmethod
    def _searched(cls, curation: Curation, info: ValidationInfo) -> Curation:
        needed = {"ner": True, "ocr": bool(info.data.get("images"))}
        done = curation.anonymized.model_dump()
        refuse(
            Finding(FaultKind.IDENTIFIER, ("anonymized", name), "not searched for identifiers yet")
            for name, needs in needed.items()
            if needs and not done[name]
        )
        return curation


def _repeated_ids(images: Sequence[Image]) -> Iterator[Finding]:
    seen: set[str] = set()
    for number, image in enumerate(images):
        if image.id in seen:
            yield Finding(FaultKind.DUPLICATE_ID, (number, "id"), f"{image.id!r} is taken")
        seen.add(image.id)


def _role_findings(turns: Sequence[Turn]) -> Iterator[Finding]:
    for number, turn in enumerate(turns):
        expected = "doctor" if number % 2 else "patient"
        if turn.role != expected:
            yield Finding(FaultKind.ROLES, (number, "role"), f"should be {expected}: roles alternate from the patient")
    if turns[-1].role != "doctor":
        yield Finding(FaultKind.ROLES, (len(turns) - 1, "role"), "should be doctor: the last turn is what is learned")


def _image_findings(turns: Sequence[Turn], known: Sequence[str]) -> Iterator[Finding]:
    used: set[str] = set()
    for number, turn in enumerate(turns):
        for place, image in enumerate(turn.images):
            if image not in known:
                yield Finding(FaultKind.IMAGE, (number, "images", place), f"{image!r} is no image of this consultation")
        used.update(turn.images)
    for image in known:
        if image not in used:
            yield Finding(FaultKind.IMAGE, (), f"image {image!r} is shown in no turn")
