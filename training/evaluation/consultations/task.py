"""Makes an inspect task of consultations, a solver that holds them, and the counterparts to compare with.

Invariant: every case has every counterpart before anything is asked; nothing of a hidden case is in a sample's input.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.solver import Solver

from training.evaluation.consultations.consultation import Consultation, Language
from training.evaluation.consultations.counterparts import Counterparts
from training.evaluation.consultations.dialogue import CONSULTATION
from training.evaluation.consultations.prompted import versions
from training.evaluation.consultations.scorer import consultation_scorer


def consultation_task(
    cases: Sequence[Consultation],
    solver: Solver,
    counterparts: Counterparts,
    *,
    name: str,
    language: Language,
    metadata: Mapping[str, Any],
) -> Task:
    """Return the task. Raises ``MissingCounterpart``, and ``ValueError`` for an id that comes twice."""
    ids = [case.id for case in cases]
    if len(set(ids)) != len(ids):
        raise ValueError(f"{next(one for one in ids if ids.count(one) > 1)!r} is the id of two cases")
    for case in ids:
        counterparts.of(case)
    return Task(
        dataset=MemoryDataset([sample_of(case, language) for case in cases], name=name),
        solver=solver,
        scorer=consultation_scorer(counterparts, language),
        name=name,
        metadata={**metadata, "counterparts": counterparts.name, "prompts": versions(language)},
    )


def sample_of(case: Consultation, language: Language) -> Sample:
    """Return a sample whose input is what the patient opens with, and whose metadata holds the case."""
    return Sample(
        id=case.id,
        input=case.in_words(case.patient[0], language),
        metadata={CONSULTATION: case.model_dump(mode="json")},
    )
