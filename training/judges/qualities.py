"""What an answer is worth on each dimension, from 0 to 1, read off exactly as the miniclinic's scorer reads it. Ours.

Invariant: every kind of item belongs to exactly one dimension, and a penalty costs what it costs the scorer.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from service.revision.sentences import split
from training.methods.comparisons import DIMENSIONS
from training.miniclinic.answers import PADDING, kind_of
from training.miniclinic.cases import Case, fault_points
from training.miniclinic.knowledge import Knowledge
from training.miniclinic.scorer import (
    CONTRADICTION_POINTS,
    REPEATED_POINTS,
    UNKNOWN_POINTS,
    UNNEEDED_POINTS,
    Score,
    read,
    score,
)

KINDS: Mapping[str, tuple[str, ...]] = {
    "proactiveness": ("ask", "safety_net"),
    "accuracy": ("emergency", "recommend", "avoid", "reassurance"),
    "usefulness": ("explain", "professional", "act", "attribute"),
    "language_quality": ("filler",),
}
USUAL_FILLERS = PADDING + 2
SURPLUS_FILLER_POINTS = -1
FULL_POINTS = 10
"""So many points of penalty take a quality from 1 to 0."""


@dataclass(frozen=True, slots=True)
class _Counts:
    """What the scorer charges for without naming it, repetitions and contradictions; and fillers beyond the usual."""

    repeated: int
    contradictions: int
    surplus_fillers: int


def qualities(knowledge: Knowledge, case: Case, answer: str) -> tuple[float, ...]:
    """Return the four qualities, in the order of ``DIMENSIONS``.

    Each is the share of the points of the required items of its kinds that the answer says (1 where none is required),
    less a tenth of the points of what is wrong, held within 0 and 1:

    - proactiveness (ask, safety_net): 2 points for each that is not needed;
    - accuracy (emergency, recommend, avoid, reassurance): a fault's own points, 3 for each contradiction, 2 for each
      item that is not needed, 1 for each sentence that is nobody's;
    - usefulness (explain, professional, act, attribute): 2 points for each that is not needed;
    - language_quality (fillers; nothing is required): 1 point for each repeated sentence, for each sentence that is
      nobody's, and for each filler beyond the five that answers usually have.

    A sentence that is nobody's counts twice: it cannot be known to be right, and does not read as this world's do. An
    answer that says no item at all has 0 everywhere.
    """
    scored = score(knowledge, case, answer)
    if not (scored.met or scored.faults or scored.unneeded):
        return (0.0,) * len(DIMENSIONS)
    counts = _counts(knowledge, case, answer, scored)
    return tuple(
        min(
            1.0,
            max(0.0, _share(knowledge, case, scored, name) + _penalty(knowledge, scored, counts, name) / FULL_POINTS),
        )
        for name in DIMENSIONS
    )


def dimension_of(key: str) -> str:
    """Return the one dimension that an item belongs to."""
    return next(name for name, kinds in KINDS.items() if kind_of(key) in kinds)


def _share(knowledge: Knowledge, case: Case, scored: Score, dimension: str) -> float:
    required = [key for key in case.required if dimension_of(key) == dimension]
    met = sum(knowledge.items[key].points for key in required if key in scored.met)
    return met / sum(knowledge.items[key].points for key in required) if required else 1.0


def _penalty(knowledge: Knowledge, scored: Score, counts: _Counts, dimension: str) -> int:
    points = UNNEEDED_POINTS * sum(dimension_of(key) == dimension for key in scored.unneeded)
    points += sum(fault_points(knowledge.items[key]) for key in scored.faults if dimension_of(key) == dimension)
    if dimension in ("accuracy", "language_quality"):
        points += UNKNOWN_POINTS * len(scored.unknown)
    if dimension == "accuracy":
        points += CONTRADICTION_POINTS * counts.contradictions
    if dimension == "language_quality":
        points += REPEATED_POINTS * counts.repeated + SURPLUS_FILLER_POINTS * counts.surplus_fillers
    return points


def _counts(knowledge: Knowledge, case: Case, answer: str, scored: Score) -> _Counts:
    """Count repetitions by reading; contradictions are what then remains of the scorer's points."""
    keys = read(knowledge, answer)
    said = Counter(key for key in keys if key and key != "filler")
    fillers = [unit.strip() for unit, key in zip(_sentences(answer), keys, strict=True) if key == "filler"]
    repeated = sum(said.values()) - len(said) + len(fillers) - len(set(fillers))
    items = knowledge.items
    named = sum(items[key].points for key in scored.met) + sum(fault_points(items[key]) for key in scored.faults)
    named += UNNEEDED_POINTS * len(scored.unneeded) + UNKNOWN_POINTS * len(scored.unknown) + REPEATED_POINTS * repeated
    total = round(scored.value * sum(items[key].points for key in case.required))
    contradictions = (total - named) // CONTRADICTION_POINTS
    return _Counts(repeated, contradictions, max(0, len(fillers) - USUAL_FILLERS))


def _sentences(answer: str) -> list[str]:
    return [unit for unit in split(answer) if unit.strip()]
