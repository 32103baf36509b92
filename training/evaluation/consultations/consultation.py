"""One consultation as it is held again: what the patient says and shows, what the real doctor answered, what is hidden.

Invariant: every patient's turn says or shows something, and a consultation shows no more images than a prompt may hold.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from principles.schema import Record
from service.revision.strict_json import is_visible

Language = Literal["en", "zh"]
Role = Literal["patient", "doctor"]
Utterance = tuple[Role, str]
Transcript = tuple[Utterance, ...]

MAX_IMAGES = 30
"""Images of one prompt, as in the published rollouts; a prompt holds the whole consultation."""
_MARKERS = {"en": "[image {}]", "zh": "[图片{}]"}
_Name = Annotated[str, StringConstraints(min_length=1)]


class PatientTurn(Record):
    """What a patient says, and the paths of local image files that the patient shows with it."""

    text: str
    images: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_something(self) -> Self:
        if not self.images and not is_visible(self.text):
            raise ValueError("a patient's turn without an image must say something")
        return self


class Consultation(Record):
    """``doctor`` is the real doctor's reply to each of the patient's turns, as far as there is one.

    ``hidden_case`` lists what a simulated patient knows, one fact each; such a patient opens with the first turn.
    """

    id: _Name
    source: _Name
    patient: Annotated[tuple[PatientTurn, ...], Field(min_length=1)]
    doctor: tuple[str, ...] = ()
    department: str | None = None
    hidden_case: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.doctor) > len(self.patient):
            raise ValueError(f"{len(self.doctor)} replies to {len(self.patient)} turns of the patient")
        shown = sum(len(turn.images) for turn in self.patient)
        if shown > MAX_IMAGES:
            raise ValueError(f"{shown} images, and a prompt holds at most {MAX_IMAGES}")
        return self

    @property
    def images(self) -> tuple[str, ...]:
        """Paths of all images, each once, in the order in which they are first shown."""
        return tuple(dict.fromkeys(path for turn in self.patient for path in turn.images))

    def in_words(self, turn: PatientTurn, language: Language) -> str:
        """Return a turn as text, with a numbered mark for each image shown."""
        marks = [marker(self.images.index(path) + 1, language) for path in turn.images]
        return " ".join([turn.text, *marks] if turn.text else marks)

    def record(self, language: Language) -> Transcript:
        """Return the real consultation as far as the doctor answered; empty where no reply is known."""
        answered = self.patient[: len(self.doctor)]
        return interleaved([self.in_words(turn, language) for turn in answered], self.doctor)


def marker(number: int, language: Language) -> str:
    """Return the text that stands for image ``number`` (from 1)."""
    return _MARKERS[language].format(number)


def interleaved(patient: Sequence[str], doctor: Sequence[str]) -> Transcript:
    """Return the transcript of as many turns of either. Raises ``ValueError`` where the numbers differ."""
    transcript: list[Utterance] = []
    for said, reply in zip(patient, doctor, strict=True):
        transcript += [("patient", said), ("doctor", reply)]
    return tuple(transcript)


def doctor_turns(transcript: Sequence[Utterance]) -> list[str]:
    """Return what the doctor said, in order."""
    return [text for role, text in transcript if role == "doctor"]


def read_transcript(value: object) -> Transcript:
    """Read [[role, text], ...]. Raises ``ValueError`` unless patient and doctor alternate and the doctor ends."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise ValueError("is no list of [role, text]")
    for place, utterance in enumerate(value):
        expected = "doctor" if place % 2 else "patient"
        if not isinstance(utterance, list | tuple) or len(utterance) != 2 or not isinstance(utterance[1], str):
            raise ValueError(f"utterance {place} is no [role, text]")
        if utterance[0] != expected:
            raise ValueError(f"utterance {place} should be the {expected}'s")
    if len(value) % 2:
        raise ValueError("the last utterance should be the doctor's")
    return tuple((role, text) for role, text in value)
