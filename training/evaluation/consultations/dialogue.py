"""Holds a consultation: the patient says something, the doctor answers with all that was said before, and so on.

Invariant: the doctor's history holds the doctor's own replies, never a real doctor's, and of the patient only what the
patient said and showed; images are local files, sent as data.
"""

import base64
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Literal, Protocol

from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    Content,
    ContentImage,
    ContentText,
    ModelOutput,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver

from training.evaluation.consultations.consultation import Consultation, Language, PatientTurn, Transcript, Utterance
from training.evaluation.consultations.patient import Patient, ScriptedPatient, SimulatedPatient
from training.evaluation.consultations.prompted import load_prompt
from training.evaluation.rows import ANSWER, Answered

CONSULTATION = "consultation"
"""Key of a sample's metadata that holds the consultation."""
TRANSCRIPT = "transcript"
"""Key of an answer's ``extra`` that holds [[role, text], ...]."""
WITHHELD = "withheld"
PatientKind = Literal["scripted", "simulated"]
_MEDIA_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
}


class Doctor(Protocol):
    """What is evaluated: one reply at a time."""

    async def reply(self, messages: list[ChatMessage], turn: int) -> Answered:
        """Reply to a history that ends with the patient; ``turn`` counts from 0."""
        ...


DoctorFactory = Callable[[TaskState], Doctor]
"""Makes the doctor of one sample."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A consultation that was held. ``withheld`` counts the patient's turns that stand for ones not passed on."""

    messages: tuple[ChatMessage, ...]
    transcript: Transcript
    replies: tuple[Answered, ...]
    withheld: int
    ended_by: Literal["patient", "max_turns"]


async def hold(
    consultation: Consultation, doctor: Doctor, patient: Patient, language: Language, *, max_turns: int | None = None
) -> Dialogue:
    """Hold a consultation until the patient has no more to say, or the doctor has replied ``max_turns`` times."""
    messages: list[ChatMessage] = [ChatMessageSystem(content=load_prompt("doctor", language))]
    transcript: list[Utterance] = []
    replies: list[Answered] = []
    withheld = 0
    for turn in count():
        if turn == max_turns:
            break
        said = await patient.says(consultation, transcript)
        if said is None:
            return Dialogue(tuple(messages), tuple(transcript), tuple(replies), withheld, "patient")
        withheld += said.withheld
        messages.append(ChatMessageUser(content=content_of(said.turn)))
        transcript.append(("patient", consultation.in_words(said.turn, language)))
        replies.append(await doctor.reply(list(messages), turn))
        messages.append(ChatMessageAssistant(content=replies[-1].text))
        transcript.append(("doctor", replies[-1].text))
    return Dialogue(tuple(messages), tuple(transcript), tuple(replies), withheld, "max_turns")


@solver
def consulting(
    doctor_factory: DoctorFactory, patient: PatientKind, *, language: Language, max_turns: int = 8
) -> Solver:
    """Hold each sample's consultation with a doctor of its own, and leave the whole of it as the sample's answer.

    ``max_turns`` bounds the doctor's replies to a simulated patient; a script is always told to its end.
    """
    speaker: Patient = ScriptedPatient() if patient == "scripted" else SimulatedPatient(language)
    limit = None if patient == "scripted" else max_turns

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        consultation = Consultation.model_validate(state.metadata[CONSULTATION])
        dialogue = await hold(consultation, doctor_factory(state), speaker, language, max_turns=limit)
        answered = summed(dialogue)
        state.messages = list(dialogue.messages)
        state.output = ModelOutput.from_content(model=str(state.model), content=answered.text)
        state.metadata[ANSWER] = asdict(answered)
        return state

    return solve


def summed(dialogue: Dialogue) -> Answered:
    """Return a consultation as one answer: the doctor's turns joined, costs added, traces and extras turn by turn."""
    replies = dialogue.replies
    traces = [reply.trace for reply in replies]
    return Answered(
        text="\n\n".join(reply.text for reply in replies),
        input_tokens=sum(reply.input_tokens for reply in replies),
        cached_tokens=sum(reply.cached_tokens for reply in replies),
        output_tokens=sum(reply.output_tokens for reply in replies),
        seconds=sum(reply.seconds for reply in replies),
        calls=sum(reply.calls for reply in replies),
        trace={"turns": traces} if any(trace is not None for trace in traces) else None,
        extra={
            "turns": len(replies),
            TRANSCRIPT: [list(utterance) for utterance in dialogue.transcript],
            WITHHELD: dialogue.withheld,
            "ended_by": dialogue.ended_by,
            "doctor": [dict(reply.extra) for reply in replies],
        },
    )


def content_of(turn: PatientTurn) -> str | list[Content]:
    """Return a turn as a message's content: text alone, or text and then images as data URIs of local files.

    Raises ``OSError`` where a file cannot be read, and ``ValueError`` for a suffix that is no image's.
    """
    if not turn.images:
        return turn.text
    images: list[Content] = [ContentImage(image=_data_uri(Path(path))) for path in turn.images]
    return [ContentText(text=turn.text), *images] if turn.text else images


def _data_uri(path: Path) -> str:
    media_type = _MEDIA_TYPES.get(path.suffix.lower())
    if media_type is None:
        raise ValueError(f"{path}: the suffix is none of {', '.join(_MEDIA_TYPES)}")
    return f"data:{media_type};base64,{base64.b64encode(path.read_bytes()).decode()}"
