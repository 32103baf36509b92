"""Consultations of the miniclinic's held-out cases, their counterparts, and its scorer as the judge of pairs.

Invariant: an id names the case (``heldout-12``), and every sentence of a counterpart is one of the knowledge base's.
"""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from service.revision.sentences import split
from training.evaluation.consultations.consultation import (
    Consultation,
    PatientTurn,
    Transcript,
    Utterance,
    doctor_turns,
    interleaved,
)
from training.evaluation.consultations.counterparts import Counterparts
from training.evaluation.consultations.judge import FIELDS, KIND
from training.evaluation.consultations.miniclinic_patient import facts_of, opening_of, patient_says
from training.evaluation.consultations.patient import END
from training.judges.miniclinic import MARGIN, case_of
from training.judges.qualities import qualities
from training.methods.comparisons import Better
from training.miniclinic.answers import Sentence, confused_answer, draft_answer, full_answer, kind_of, text_of
from training.miniclinic.cases import Case
from training.miniclinic.datasets import COUNTERPARTS, cases_of
from training.miniclinic.knowledge import Knowledge

SCRIPTED, SIMULATED = "miniclinic scripted", "miniclinic simulated"
MISTAKEN = "mistaken"
Draft = Callable[[Case, random.Random], list[Sentence]]


def scripted(knowledge: Knowledge, seeds: range) -> list[Consultation]:
    """Return the held-out cases as scripts: the case's own messages, and a doctor whose last reply says all."""
    return [
        Consultation(
            id=name,
            source=SCRIPTED,
            patient=tuple(PatientTurn(text=text) for text in _of_role(case, "user")),
            doctor=(*_of_role(case, "assistant"), text_of(full_answer(knowledge, case, _rng("reference", name)))),
            department=case.presentation.task_type,
        )
        for name, case in cases_of(knowledge, "heldout", seeds)
    ]


def simulated(knowledge: Knowledge, seeds: range) -> list[Consultation]:
    """Return those of the held-out cases that a patient can play: a lay person asks, and a detail has to be asked for.

    The record is of a doctor who asks for the detail and for all else, and then says all.
    """
    chosen = [(name, case) for name, case in cases_of(knowledge, "heldout", seeds) if _is_played(case)]
    return [_simulated(knowledge, name, case) for name, case in chosen]


def counterparts(knowledge: Knowledge, consultations: Sequence[Consultation]) -> Counterparts:
    """Return the fixed opponents of `training.miniclinic.datasets`, each in its own consultation of every case.

    To a script they reply as the record's doctor does until the last turn, which is their draft. A simulated patient
    is asked for what is missing by those whose draft asks; the others answer at once, and cannot speak of what the
    patient keeps back.
    """
    drafts: dict[str, Draft] = {
        label: lambda case, rng, omission=omission: draft_answer(knowledge, case, rng, omission)  # type: ignore[misc]
        for label, omission in COUNTERPARTS.items()
    }
    drafts[MISTAKEN] = lambda case, rng: confused_answer(knowledge, case, rng)
    return Counterparts(
        {
            label: {one.id: _held(knowledge, one, draft, _rng(label, one.id)) for one in consultations}
            for label, draft in drafts.items()
        }
    )


def judged(knowledge: Knowledge, payload: Mapping[str, Any]) -> str | None:
    """Answer a question of kind ``comparison`` exactly; None for another kind. Raises ``UnknownCase``.

    Better is the higher quality of `training.judges.qualities` by more than its judges' margin; overall, the higher
    mean of the four.
    """
    if payload.get("kind") != KIND:
        return None
    case = case_of(knowledge, payload["case_id"])
    first_F, second_F = (_read(knowledge, case, payload[place]) for place in ("first", "second"))
    rows = {
        name: {"reason": f"{first:.2f} against {second:.2f}", "better": _better(first - second)}
        for name, first, second in zip(FIELDS, first_F, second_F, strict=True)
    }
    return json.dumps(rows)


def advice_of(knowledge: Knowledge, transcript: Sequence[Utterance]) -> str:
    """Return what a doctor's turns say together, to be scored as one answer.

    An item said again in a later turn counts once, as fillers do only in the last turn, and the world's questions for
    anything else do not count: a consultation that takes several turns is not charged for being one.
    """
    turns = doctor_turns(transcript)
    said: set[str] = set()
    kept: list[str] = []
    for number, turn in enumerate(turns, start=1):
        sentences = [" ".join(unit.split()) for unit in split(turn) if unit.strip()]
        keys = [knowledge.said_by.get(sentence, "") for sentence in sentences]
        kept += [
            sentence
            for sentence, key in zip(sentences, keys, strict=True)
            if key not in said
            and (key != "filler" or number == len(turns))
            and sentence not in knowledge.generic.inner_turns
        ]
        said.update(key for key in keys if key not in ("", "filler"))
    return " ".join(kept)


def _is_played(case: Case) -> bool:
    return not case.professional and not case.detail


def _simulated(knowledge: Knowledge, name: str, case: Case) -> Consultation:
    facts, rng = facts_of(knowledge, case), _rng("reference", name)
    ask = rng.choice(knowledge.items[f"{case.presentation.id}.ask"].answer)
    return Consultation(
        id=name,
        source=SIMULATED,
        patient=(PatientTurn(text=opening_of(knowledge, case)), PatientTurn(text=" ".join(facts.values()))),
        doctor=(f"{ask} {rng.choice(knowledge.generic.inner_turns)}", text_of(full_answer(knowledge, case, rng))),
        department=case.presentation.task_type,
        hidden_case=tuple(facts.values()),
    )


def _held(knowledge: Knowledge, consultation: Consultation, draft: Draft, rng: random.Random) -> Transcript:
    case = case_of(knowledge, consultation.id)
    sentences = draft(case, rng)
    if consultation.hidden_case is None:
        replies = (*consultation.doctor[:-1], text_of(sentences))
        return interleaved([turn.text for turn in consultation.patient], replies)
    return _played(knowledge, case, consultation.patient[0].text, sentences, rng)


def _played(knowledge: Knowledge, case: Case, opening: str, draft: list[Sentence], rng: random.Random) -> Transcript:
    asks = [sentence.text for sentence in draft if sentence.key == f"{case.presentation.id}.ask"]
    if not asks:
        blind = [sentence for sentence in draft if kind_of(sentence.key) not in ("attribute", "avoid")]
        return ("patient", opening), ("doctor", text_of(blind))
    transcript: list[Utterance] = [("patient", opening)]
    question = f"{asks[0]} {rng.choice(knowledge.generic.inner_turns)}"
    while (said := patient_says(knowledge, case, question, [t for r, t in transcript if r == "patient"])) != END:
        transcript += [("doctor", question), ("patient", said)]
        untold = [fact for fact in facts_of(knowledge, case).values() if not any(fact in t for _, t in transcript)]
        question = rng.choice(knowledge.generic.inner_turns) if untold else text_of(_without(draft, asks[0]))
    return (*transcript, ("doctor", question))


def _without(draft: list[Sentence], text: str) -> list[Sentence]:
    return [sentence for sentence in draft if sentence.text != text]


def _read(knowledge: Knowledge, case: Case, transcript: Sequence[Utterance]) -> tuple[float, ...]:
    four = qualities(knowledge, case, advice_of(knowledge, transcript))
    return (*four, sum(four) / len(four))


def _better(difference: float) -> Better:
    if abs(difference) <= MARGIN:
        return "tie"
    return "first" if difference > 0 else "second"


def _of_role(case: Case, role: str) -> list[str]:
    return [message["content"] for message in case.messages if message["role"] == role]


def _rng(label: str, name: str) -> random.Random:
    return random.Random(f"consultations:{label}:{name}")
