"""The miniclinic as HealthBench: held-out cases with exact rubrics, simulated physicians, and the exact judge.

Invariant: everything follows from a case's seed; themes and clusters bear the published names only where they are true
of the case. The physicians are simulated: no figure of theirs says anything about people.
"""

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from training.data.healthbench import HealthBenchCriterion, HealthBenchLabels, HealthBenchRow
from training.evaluation.healthbench.formula import CONSENSUS_LEVEL
from training.evaluation.healthbench.question import KIND
from training.miniclinic.answers import draft_answer, kind_of, text_of
from training.miniclinic.cases import Case, make_case
from training.miniclinic.knowledge import Knowledge
from training.miniclinic.rubrics import exact_row
from training.miniclinic.scorer import verdict

CLUSTERS = {
    "emergency": "cluster:emergency_referrals_emergent_emergency_behavior",
    "safety_net": "cluster:emergency_referrals_conditionally-emergent_emergency_behavior",
    "ask": "cluster:context_seeking_not-enough-context_context_seeking",
    "professional": "cluster:communication_health-professional_tailored",
    "explain": "cluster:communication_not-health-professional_tailored",
}
"""The published category that a required item of this kind belongs to."""
CONSENSUS_POINTS = 5
PHYSICIANS: Mapping[str, float] = {"strict": 0.05, "steady": 0.1, "hurried": 0.2, "new": 0.3}
"""Simulated physicians, and how often each labels the contrary of what is so."""
LABELS_EACH = 3
_DATA_TASKS = frozenset({"interpretation", "documentation"})


def full_rows(knowledge: Knowledge, seeds: Iterable[int]) -> list[HealthBenchRow]:
    """Return held-out cases with all their criteria, as the full set has them."""
    return [_full_row(knowledge, make_case(knowledge, seed, "heldout")) for seed in seeds]


def consensus_rows(knowledge: Knowledge, seeds: Iterable[int]) -> list[HealthBenchRow]:
    """Return the same cases with the criteria of ``CLUSTERS`` alone, as the consensus set has them."""
    return [_consensus_row(knowledge, row) for row in full_rows(knowledge, seeds)]


def label_rows(knowledge: Knowledge, seeds: Iterable[int]) -> list[HealthBenchLabels]:
    """Return a draft answer to each case with the labels that simulated physicians give its consensus criteria."""
    return [label for row in consensus_rows(knowledge, seeds) for label in _labels(knowledge, row)]


def judged(knowledge: Knowledge, payload: Mapping[str, Any]) -> str | None:
    """Return the exact judge's answer as the style ``json`` asks for it; None for a question of another kind.

    A criterion that is none of the knowledge base's gets an answer that cannot be read, so that it stays unscored.
    """
    if payload["kind"] != KIND:
        return None
    met = verdict(knowledge, payload["criterion"], payload["answer"])
    if met is None:
        return "The criterion is none of the miniclinic's."
    reason = "A sentence of the reply says it." if met else "No sentence of the reply says it."
    return json.dumps({"explanation": reason, "criteria_met": met})


def themes_of(case: Case) -> tuple[str, ...]:
    """Return the themes that a case is an example of; one of ours where none of the published ones is."""
    found = {
        "theme:emergency_referrals": case.red_flag,
        "theme:context_seeking": not case.detail,
        "theme:communication": case.professional,
        "theme:health_data_tasks": case.presentation.task_type in _DATA_TASKS,
    }
    return tuple(theme for theme, holds in found.items() if holds) or ("theme:everyday_questions",)


def _full_row(knowledge: Knowledge, case: Case) -> HealthBenchRow:
    row = exact_row(knowledge, case, f"heldout-{case.seed}")
    return row.model_copy(update={"example_tags": themes_of(case)})


def _consensus_row(knowledge: Knowledge, row: HealthBenchRow) -> HealthBenchRow:
    return row.model_copy(update={"rubrics": tuple(_consensus(knowledge, row.rubrics))})


def _consensus(knowledge: Knowledge, rubrics: Iterable[HealthBenchCriterion]) -> Iterator[HealthBenchCriterion]:
    for row in rubrics:
        key, _ = knowledge.asked_by[row.criterion]
        cluster = CLUSTERS.get(kind_of(key))
        if cluster is not None and row.points > 0:
            tags = (CONSENSUS_LEVEL, f"axis:{row.axis}", cluster)
            yield HealthBenchCriterion(criterion=row.criterion, points=CONSENSUS_POINTS, tags=tags)


def _labels(knowledge: Knowledge, row: HealthBenchRow) -> Iterator[HealthBenchLabels]:
    case = make_case(knowledge, int(row.prompt_id.removeprefix("heldout-")), "heldout")
    rng = random.Random(f"labels:{row.prompt_id}")
    answer = text_of(draft_answer(knowledge, case, rng))
    for criterion in row.rubrics:
        met = verdict(knowledge, criterion.criterion, answer)
        if met is None:
            raise ValueError(f"{criterion.criterion!r} is none of the knowledge base's criteria")
        chosen = rng.sample(sorted(PHYSICIANS), LABELS_EACH)
        yield HealthBenchLabels(
            prompt=row.prompt,
            prompt_id=row.prompt_id,
            completion=answer,
            completion_id=f"{row.prompt_id}:draft",
            rubric=criterion.criterion,
            category=next(tag for tag in criterion.tags if tag.startswith("cluster:")),
            binary_labels=tuple(met != (rng.random() < PHYSICIANS[name]) for name in chosen),
            anonymized_physician_ids=tuple(chosen),
        )
