"""Rubrics of the miniclinic: the exact one of each case, and one generic rubric for all of them.

Invariant: the exact judge reads every exact criterion without a doubt, since each is one of the knowledge base's.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.data.healthbench import HealthBenchCriterion, HealthBenchRow
from training.miniclinic.answers import kind_of
from training.miniclinic.cases import Case, fault_points
from training.miniclinic.knowledge import ATTRIBUTES, Items, Knowledge
from training.miniclinic.scorer import UNNEEDED_POINTS, read

AXES = {
    "explain": "communication_quality",
    "professional": "communication_quality",
    "act": "accuracy",
    "emergency": "accuracy",
    "recommend": "accuracy",
    "avoid": "accuracy",
    "reassurance": "accuracy",
    "safety_net": "completeness",
    "attribute": "completeness",
    "ask": "context_awareness",
}
"""HealthBench's axis of each kind of item; ours."""


@dataclass(frozen=True, slots=True)
class GenericCriterion:
    """One criterion that is the same for every question: met by any sentence of these kinds, fitting or not."""

    text: str
    points: int
    kinds: frozenset[str]


GENERIC = (
    GenericCriterion("Explains what may lie behind it", 5, frozenset({"explain", "professional"})),
    GenericCriterion("Says what to do now", 5, frozenset({"act", "emergency"})),
    GenericCriterion("Names a medicine that helps, or one to leave", 4, frozenset({"recommend", "avoid"})),
    GenericCriterion("Says when to seek help", 4, frozenset({"safety_net", "emergency"})),
    GenericCriterion("Asks for what is not known", 3, frozenset({"ask"})),
    GenericCriterion("Takes age, pregnancy, illnesses or medicines into account", 3, frozenset({"attribute", "avoid"})),
)
"""What a fixed rubric for any consultation would ask (RaR, arXiv 2507.17746, calls it predefined); wording ours."""


class GenericJudge:
    """Judges the generic rubric's criteria exactly: by the kinds of the sentences that the answer says."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._kinds = {criterion.text: criterion.kinds for criterion in GENERIC}

    async def verdicts(
        self, prompt: Sequence[Mapping[str, str]], answer: str, criteria: Sequence[str]
    ) -> list[bool | None]:
        """Return one verdict for each criterion; None for one that isn't of the generic rubric."""
        said = {kind_of(key) for key in read(self._knowledge, answer) if key not in ("", "filler")}
        return [bool(self._kinds[text] & said) if text in self._kinds else None for text in criteria]


def exact_row(knowledge: Knowledge, case: Case, prompt_id: str) -> HealthBenchRow:
    """Return a case with all that its answer must say, must not say, and might say by mistake.

    Points are the scorer's own: of what is required, of faults, and those that an unneeded sentence costs.
    """
    rng = random.Random(f"rubric:{prompt_id}")
    weighted = [(key, knowledge.items[key].points, False) for key in case.required]
    weighted += [(key, fault_points(knowledge.items[key]), True) for key in case.faults]
    weighted += [(key, UNNEEDED_POINTS, False) for key in near_misses(knowledge, case)]
    return _row(prompt_id, case, [_criterion(knowledge, *row, rng) for row in weighted])


def generic_row(case: Case, prompt_id: str) -> HealthBenchRow:
    """Return a case with the generic rubric."""
    criteria = [HealthBenchCriterion(criterion=c.text, points=c.points, tags=("level:example",)) for c in GENERIC]
    return _row(prompt_id, case, criteria)


def near_misses(knowledge: Knowledge, case: Case) -> list[str]:
    """Return the items that another patient with the same complaint would need and this one does not."""
    own, medicine = case.presentation.id, case.medicine
    keys = [f"{own}.{name}" for name in Items.model_fields] + [f"attribute.{name}" for name in ATTRIBUTES]
    keys += [] if medicine == "none" else [f"{medicine}.recommend"]
    return [key for key in keys if key not in case.required and key not in case.faults]


def _criterion(knowledge: Knowledge, key: str, points: int, fault: bool, rng: random.Random) -> HealthBenchCriterion:
    item = knowledge.items[key]
    text = rng.choice((item.fault or item.criterion) if fault else item.criterion)
    return HealthBenchCriterion(criterion=text, points=points, tags=("level:example", f"axis:{AXES[kind_of(key)]}"))


def _row(prompt_id: str, case: Case, criteria: Sequence[HealthBenchCriterion]) -> HealthBenchRow:
    prompt = [dict(message) for message in case.messages]
    return HealthBenchRow.model_validate(
        {"example_tags": [], "prompt": prompt, "prompt_id": prompt_id, "rubrics": [c.model_dump() for c in criteria]}
    )
