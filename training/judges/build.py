"""Makes the judge that a configuration names.

Invariant: the exact judge needs the ids of the cases it is asked about, the engine judge needs none.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from training.judges.comparisons import ComparisonJudge, EngineComparisonJudge
from training.judges.criteria import CriterionJudge, EngineCriterionJudge
from training.judges.miniclinic import Cases, ExactComparisonJudge, ExactCriterionJudge, ExactScoreJudge
from training.judges.scores import EngineScoreJudge, ScoreJudge
from training.miniclinic.knowledge import load_knowledge
from training.trl_adapter.settings import EngineJudge, Judge


@dataclass(frozen=True, slots=True)
class JudgeBuilder:
    """Builds judges of one kind; ``seed`` is that of the exact judge's noise."""

    settings: Judge
    seed: int

    def criteria(self) -> CriterionJudge:
        """Make a judge of criteria."""
        if isinstance(self.settings, EngineJudge):
            return EngineCriterionJudge(self.settings)
        return ExactCriterionJudge(load_knowledge(), self.settings, seed=self.seed)

    def comparisons(self, case_ids: Iterable[str]) -> ComparisonJudge:
        """Make a judge of comparisons. Raises ``UnknownCase`` for an id that names no case, if cases are needed."""
        if isinstance(self.settings, EngineJudge):
            return EngineComparisonJudge(self.settings)
        return ExactComparisonJudge(Cases(load_knowledge(), case_ids), self.settings, seed=self.seed)

    def scores(self, case_ids: Iterable[str]) -> ScoreJudge:
        """Make a judge of absolute scores. Raises ``UnknownCase`` as ``comparisons`` does."""
        if isinstance(self.settings, EngineJudge):
            return EngineScoreJudge(self.settings)
        return ExactScoreJudge(Cases(load_knowledge(), case_ids), self.settings, seed=self.seed)


async def close(judge: object) -> None:
    """Give back the connections of a judge that has some."""
    if isinstance(judge, EngineCriterionJudge | EngineComparisonJudge | EngineScoreJudge):
        await judge.aclose()
