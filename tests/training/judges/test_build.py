"""The judge that a configuration names."""

import pytest

from training.judges.build import JudgeBuilder
from training.judges.comparisons import EngineComparisonJudge
from training.judges.criteria import EngineCriterionJudge
from training.judges.miniclinic import ExactComparisonJudge, ExactCriterionJudge, ExactScoreJudge, UnknownCase
from training.judges.scores import EngineScoreJudge
from training.trl_adapter.settings import EngineJudge, ExactJudge


def test_an_engine_judge_needs_no_cases() -> None:
    build = JudgeBuilder(EngineJudge(urls=("http://127.0.0.1:9",), model="m"), seed=1)
    assert isinstance(build.criteria(), EngineCriterionJudge)
    assert isinstance(build.comparisons(["anything"]), EngineComparisonJudge)
    assert isinstance(build.scores(["anything"]), EngineScoreJudge)


def test_an_exact_judge_needs_the_ids_of_cases() -> None:
    build = JudgeBuilder(ExactJudge(), seed=1)
    assert isinstance(build.criteria(), ExactCriterionJudge)
    assert isinstance(build.comparisons(["train-1"]), ExactComparisonJudge)
    assert isinstance(build.scores(["heldout-1"]), ExactScoreJudge)
    with pytest.raises(UnknownCase, match="'q-1' names no case"):
        build.comparisons(["q-1"])
