"""Two patients: one that reads the real patient's messages out, and one that a model plays with a hidden case.

Invariant: a doctor learns of a hidden case only what the patient tells, and a reply that would give away more than two
facts of it is never passed on: the patient asks back instead, and that is counted.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    ModelOutput,
    get_model,
)

from service.revision.prompts import inert
from service.revision.prompts.templates import filled
from service.revision.strict_json import is_visible
from training.evaluation.asking import ask
from training.evaluation.consultations.consultation import (
    Consultation,
    Language,
    PatientTurn,
    Utterance,
    doctor_turns,
    marker,
)
from training.evaluation.consultations.prompted import load_prompt
from training.judges.presented import fenced

ROLE = "patient"
END = "[END]"
FACTS_A_TURN = 2
_MAX_TOKENS = 256
_TOLD_SHARE = 0.7
"""A fact is told by a text that holds this share of its runs of three characters: verbatim or nearly so."""
_RUN_CHARS = 3


@dataclass(frozen=True, slots=True)
class Said:
    """A patient's turn; ``withheld`` where it stands for one that was unreadable or would have told too much."""

    turn: PatientTurn
    withheld: bool = False


class Patient(Protocol):
    """Speaks first, and then after each reply."""

    async def says(self, consultation: Consultation, transcript: Sequence[Utterance]) -> Said | None:
        """Return the next turn after ``transcript``, or None when the patient has nothing more to say."""
        ...


class ScriptedPatient:
    """Says each real message in order, whatever the doctor replied, as in the published rollouts."""

    async def says(self, consultation: Consultation, transcript: Sequence[Utterance]) -> Said | None:
        """Return the real patient's next message."""
        place = len(doctor_turns(transcript))
        return Said(consultation.patient[place]) if place < len(consultation.patient) else None


class SimulatedPatient:
    """Played by the model of the role ``patient``; opens with the consultation's first turn, which costs no call."""

    def __init__(self, language: Language) -> None:
        self._language: Language = language
        self._template, self._asks_back = load_prompt("patient", language), load_prompt("asks_back", language)

    async def says(self, consultation: Consultation, transcript: Sequence[Utterance]) -> Said | None:
        """Return what the model answers, or None when it says that the consultation is over.

        Raises ``ValueError`` for a consultation without a hidden case.
        """
        if not transcript:
            return Said(consultation.patient[0])
        facts = _hidden_case(consultation)
        told = [text for role, text in transcript if role == "patient"]
        payload = {"kind": ROLE, "case_id": consultation.id, "doctor": transcript[-1][1], "told": told}

        def read(output: ModelOutput) -> str | None:
            return _readable(output.completion.strip(), facts, told)

        heard = self._messages(consultation, transcript)
        answer = await ask(get_model(role=ROLE), heard, payload, read, max_tokens=_MAX_TOKENS)
        if answer.value is None:
            return Said(PatientTurn(text=self._asks_back), withheld=True)
        return None if answer.value == END else Said(self._turn(consultation, answer.value, told))

    def _messages(self, consultation: Consultation, transcript: Sequence[Utterance]) -> list[ChatMessage]:
        """The consultation as the patient hears it: the doctor is the user; the opening stands in the instruction."""
        facts = "\n".join(f"- {fenced(fact)}" for fact in _hidden_case(consultation))
        values = {"opening": fenced(transcript[0][1]), "facts": facts, "end": END}
        heard: list[ChatMessage] = [
            ChatMessageUser(content=inert(text)) if role == "doctor" else ChatMessageAssistant(content=text)
            for role, text in transcript[1:]
        ]
        return [ChatMessageSystem(content=filled(self._template, values)), *heard]

    def _turn(self, consultation: Consultation, text: str, told: Sequence[str]) -> PatientTurn:
        """Show the images whose marks the reply writes, each once in a consultation."""
        marks = {marker(number, self._language): path for number, path in enumerate(consultation.images, start=1)}
        shown = [mark for mark in marks if mark in text and not any(mark in before for before in told)]
        for mark in shown:
            text = text.replace(mark, "")
        return PatientTurn(text=" ".join(text.split()), images=tuple(marks[mark] for mark in shown))


def told_facts(facts: Sequence[str], text: str) -> frozenset[str]:
    """Return the facts that a text tells, verbatim or nearly so; case, width, punctuation and space do not count."""
    plain = _plain(text)
    return frozenset(fact for fact in facts if _is_told(_plain(fact), plain))


def _hidden_case(consultation: Consultation) -> tuple[str, ...]:
    if consultation.hidden_case is None:
        raise ValueError(f"{consultation.id} has no hidden case to play")
    return consultation.hidden_case


def _readable(reply: str, facts: Sequence[str], told: Sequence[str]) -> str | None:
    if END in reply:
        return END
    new = told_facts(facts, reply) - told_facts(facts, " ".join(told))
    return reply if is_visible(reply) and len(new) <= FACTS_A_TURN else None


def _is_told(fact: str, text: str) -> bool:
    if len(fact) < _RUN_CHARS:
        return bool(fact) and fact in text
    own = _runs(fact)
    return len(own & _runs(text)) / len(own) >= _TOLD_SHARE


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def _runs(plain: str) -> frozenset[str]:
    return frozenset(plain[start : start + _RUN_CHARS] for start in range(len(plain) - _RUN_CHARS + 1))
