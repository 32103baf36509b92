"""The miniclinic's patient, exact: tells the complaint and what alarms, keeps back the rest, and answers what is asked.

Invariant: what is said depends on the case, the doctor's turn and what was told before alone; at most two facts a turn.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.revision.sentences import split
from training.evaluation.consultations.patient import END, FACTS_A_TURN, ROLE
from training.judges.miniclinic import case_of
from training.miniclinic.cases import Case
from training.miniclinic.knowledge import Knowledge

DOES_NOT_KNOW = "I do not know."
NOTHING_ELSE = "There is nothing else to tell."
DETAIL = "detail"
_UNKNOWN, _ANYTHING = "", "anything"
_TOPICS = {
    "baby": r"\bage\b|\bold\b|\bbaby\b",
    "child": r"\bage\b|\bold\b|\bchild",
    "older": r"\bage\b|\bold\b",
    "pregnant": r"\bpregnan",
    "anticoagulant": r"\bmedic(?:ine|ation)|\bblood thinner|\banticoagul|\bwarfarin\b",
    "allergy": r"\ballerg",
    "kidney": r"\bkidney|\brenal\b|\b(?:chronic|other) (?:condition|illness|disease)",
}
"""What in a question of one's own words asks for an attribute: the world's sentences ask for none by itself."""


def facts_of(knowledge: Knowledge, case: Case) -> dict[str, str]:
    """Return what the patient keeps back: each attribute in the case's words, and the detail that ``ask`` asks for."""
    voice = "professional" if case.professional else "lay"
    text = " ".join(message["content"] for message in case.messages if message["role"] == "user")
    attributes = {name: getattr(knowledge.generic.attributes[name], voice) for name in case.attributes}
    facts = {name: next(wording for wording in wordings if wording in text) for name, wordings in attributes.items()}
    details = getattr(case.presentation.detail, voice)
    said = next((wording for wording in details if wording in text), None)
    return facts | {DETAIL: said or random.Random(f"detail:{case.seed}").choice(details)}


def opening_of(knowledge: Knowledge, case: Case) -> str:
    """Return what the patient says at first: the case's words without what is kept back."""
    text = " ".join(message["content"] for message in case.messages if message["role"] == "user")
    for fact in facts_of(knowledge, case).values():
        text = text.replace(fact, "")
    return " ".join(text.split())


def patient_says(knowledge: Knowledge, case: Case, doctor_turn: str, told: Sequence[str]) -> str:
    """Return the answer to a doctor's turn, ``told`` being what the patient said before; ``END`` if nothing is asked.

    The case's own ``ask`` brings the detail, a question for anything else what is not told yet, a question in other
    words the attribute that it names; of all else the patient does not know.
    """
    facts = facts_of(knowledge, case)
    before = " ".join(told)
    asked = list(_asked(knowledge, case, doctor_turn))
    if not asked:
        return END
    untold = [key for key, fact in facts.items() if fact not in before]
    wanted = [key for topic in asked for key in (untold if topic == _ANYTHING else [topic]) if key in facts]
    if wanted:
        return " ".join(facts[key] for key in list(dict.fromkeys(wanted))[:FACTS_A_TURN])
    return NOTHING_ELSE if _ANYTHING in asked else DOES_NOT_KNOW


def patient(knowledge: Knowledge, payload: Mapping[str, Any]) -> str | None:
    """Answer a question of kind ``patient``; None for another kind. Raises ``UnknownCase``."""
    if payload.get("kind") != ROLE:
        return None
    return patient_says(knowledge, case_of(knowledge, payload["case_id"]), payload["doctor"], payload["told"])


def _asked(knowledge: Knowledge, case: Case, doctor_turn: str) -> Iterator[str]:
    """Yield what each question of a turn asks for: a fact's key, anything, or what the patient does not know."""
    for unit in split(doctor_turn):
        sentence = " ".join(unit.split())
        key = knowledge.said_by.get(sentence)
        if sentence in knowledge.generic.inner_turns:
            yield _ANYTHING
        elif key is None and sentence.endswith(("?", "\uff1f")):
            yield from _topics(case, sentence)
        elif key is not None and key.endswith(".ask"):
            yield DETAIL if key == f"{case.presentation.id}.ask" else _UNKNOWN


def _topics(case: Case, question: str) -> list[str]:
    named = [name for name in case.attributes if re.search(_TOPICS[name], question, re.IGNORECASE)]
    return named or [_UNKNOWN]
