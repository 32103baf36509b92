"""The exact scorer: HealthBench's formula over the miniclinic's criteria, by look-up of every sentence.

Score = points of met criteria (negative ones included) / points of positive criteria, not clipped.
Source of the formula: HealthBench (OpenAI, 2025), section on grading.
"""

from collections import Counter
from dataclasses import dataclass, field

from service.revision.sentences import split
from training.miniclinic.cases import Case, fault_points
from training.miniclinic.knowledge import Knowledge

UNNEEDED_POINTS = -2
REPEATED_POINTS = -1
UNKNOWN_POINTS = -1
CONTRADICTION_POINTS = -3


@dataclass(frozen=True, slots=True)
class Score:
    """A scored answer. ``met`` and ``faults`` are item keys; ``value`` is the score, at most 1."""

    value: float
    met: tuple[str, ...]
    missing: tuple[str, ...]
    faults: tuple[str, ...]
    unneeded: tuple[str, ...] = field(default=())
    unknown: tuple[str, ...] = field(default=())


def read(knowledge: Knowledge, answer: str) -> list[str]:
    """Return the item key of each sentence of an answer; a sentence that is nobody's has the key ``""``."""
    return [knowledge.said_by.get(" ".join(unit.split()), "") for unit in split(answer) if unit.strip()]


def score(knowledge: Knowledge, case: Case, answer: str) -> Score:
    """Score one answer to one case."""
    keys = read(knowledge, answer)
    said = Counter(key for key in keys if key and key != "filler")
    met = tuple(key for key in case.required if key in said)
    faults = tuple(key for key in case.faults if key in said)
    unneeded = tuple(key for key in said if key not in case.required and key not in case.faults)
    sentences = [unit.strip() for unit in split(answer) if unit.strip()]
    unknown = tuple(text for text, key in zip(sentences, keys, strict=True) if not key)
    points = sum(knowledge.items[key].points for key in met)
    points += sum(fault_points(knowledge.items[key]) for key in faults)
    points += UNNEEDED_POINTS * len(unneeded) + UNKNOWN_POINTS * len(unknown)
    points += REPEATED_POINTS * (sum(said.values()) - len(said) + _repeated_fillers(sentences, keys))
    points += CONTRADICTION_POINTS * _contradictions(case, said)
    positive = sum(knowledge.items[key].points for key in case.required)
    missing = tuple(key for key in case.required if key not in said)
    return Score(points / positive, met, missing, faults, unneeded, unknown)


def verdict(knowledge: Knowledge, criterion: str, answer: str) -> bool | None:
    """Return whether an answer meets a criterion; None when the criterion is none of the knowledge base's."""
    asked = knowledge.asked_by.get(criterion)
    return None if asked is None else asked[0] in read(knowledge, answer)


def _repeated_fillers(sentences: list[str], keys: list[str]) -> int:
    fillers = [text for text, key in zip(sentences, keys, strict=True) if key == "filler"]
    return len(fillers) - len(set(fillers))


def _contradictions(case: Case, said: Counter[str]) -> int:
    medicine = any(key.endswith(".recommend") and any(k.startswith(key[:-9] + "avoid.") for k in said) for key in said)
    urgency = "reassurance" in said and f"{case.presentation.id}.emergency" in said
    return int(medicine) + int(urgency)
