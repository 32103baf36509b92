import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from tests.training.trl_adapter.test_scorers import PROMPT, QUESTION, WordJudge
from training.methods.advantages import standardised
from training.methods.guards import Guards
from training.runs.folder import RunFolder
from training.trl_adapter.advantage_reward import AdvantageReward
from training.trl_adapter.questions import Question
from training.trl_adapter.scorers import RubricScorer


class Config(BaseModel):
    seed: int = 1


OTHER = Question("b", PROMPT, QUESTION.criteria_K)
GUARDS = Guards(max_tokens=10, buffer_tokens=4)


def called(
    folder: RunFolder, answers: list[str], ids: list[str], tokens: list[list[int]] | None = None
) -> tuple[list[float], dict[str, float]]:
    metrics: dict[str, float] = {}
    arguments: dict[str, Any] = {"prompts": [], "environments": None}
    questions, scorer = {"a": QUESTION, "b": OTHER}, RubricScorer(WordJudge())
    with asyncio.Runner() as runner:
        values = AdvantageReward(questions, scorer, standardised, GUARDS, 2, folder, runner)(
            completions=[[{"role": "assistant", "content": answer}] for answer in answers],
            completion_ids=tokens or [[1, 2, 3]] * len(answers),
            question_id=ids,
            trainer_state=SimpleNamespace(global_step=4),
            log_metric=metrics.__setitem__,
            **arguments,
        )
    return values, {name.removeprefix("run/"): value for name, value in metrics.items()}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.open(tmp_path / "run", Config())


def test_each_group_has_its_own_baseline_and_rows(folder: RunFolder) -> None:
    values, metrics = called(folder, ["asks warns", "asks", "warns", "asks warns"], ["a", "a", "b", "b"])
    # Rewards 1, .6 and .4, 1: two in a group are at +-1/sqrt(2) of their deviation.
    assert values == pytest.approx([0.7068, -0.7068, -0.7069, 0.7069], abs=1e-3)
    assert metrics["reward"] == pytest.approx(0.75)
    assert metrics["score/completeness"] == 0.75
    assert (metrics["zero_variance_share"], metrics["unscored_share"], metrics["answer_tokens"]) == (0, 0, 3)
    rows = list(folder.rollouts())
    assert [(row["step"], row["question"], row["answer"]) for row in rows] == [
        (5, "a", "asks warns"),
        (5, "a", "asks"),
        (5, "b", "warns"),
        (5, "b", "asks warns"),
    ]
    assert [row["advantage"] for row in rows] == values


def test_an_unscored_rollout_weighs_nothing_and_is_counted(folder: RunFolder) -> None:
    values, metrics = called(folder, ["asks", "unreadable"], ["a", "a"])
    assert values == [0.0, 0.0]
    assert (metrics["unscored_share"], metrics["zero_variance_share"], metrics["skipped_groups"]) == (0.5, 1.0, 0.0)
    assert [row["reward"] for row in folder.rollouts()] == [0.6, None]


def test_a_group_that_nobody_could_score_is_skipped_and_has_no_mean(folder: RunFolder) -> None:
    values, metrics = called(folder, ["unreadable"] * 2, ["a", "a"])
    assert values == [0.0, 0.0]
    assert metrics["skipped_groups"] == 1.0
    assert "reward" not in metrics


def test_long_answers_lose_what_the_guard_says(folder: RunFolder) -> None:
    called(folder, ["asks", "asks"], ["a", "a"], [list(range(8)), list(range(3))])
    assert [(row["score"], row["reward"]) for row in folder.rollouts()] == [(0.6, pytest.approx(0.1)), (0.6, 0.6)]


def test_a_torn_group_is_refused(folder: RunFolder) -> None:
    with pytest.raises(ValueError, match="a group of 2 rollouts came as 2 of 2 questions"):
        called(folder, ["asks", "warns"], ["a", "b"])
