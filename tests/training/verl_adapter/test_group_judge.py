import asyncio
import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.training.verl_adapter.judging import by_length_in_group, by_words, rollout, settings
from training.judges.errors import JudgeUnreachable
from training.verl_adapter.group_judge import GroupJudge, not_a_number_if_unscored
from training.verl_adapter.rollout import Judged

MAX_TOKENS = 100


async def judge_all(judge: GroupJudge, *answers: str, uid: str = "a", group: int | None = None) -> list[Judged]:
    size = group or len(answers)
    return await asyncio.gather(
        *(judge.judged(rollout(uid, number, answer, size)) for number, answer in enumerate(answers))
    )


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (path / "rollouts.jsonl").read_text().splitlines()]


async def test_a_group_is_scored_by_its_rubric(tmp_path: Path) -> None:
    judge = GroupJudge(settings(tmp_path), MAX_TOKENS, by_words)
    both, one, neither, unread = await judge_all(judge, "began flags", "began", "rest", "mumble")
    assert [x.reward for x in (both, one, neither, unread)] == [1.0, 0.6, 0.0, None]
    assert one.scores == {"accuracy": 1.0, "completeness": 0.0}
    assert (unread.unscored, unread.parts, unread.failed) == (2, 2, False)
    counts = await judge.counts()
    assert (counts.tally.groups, counts.tally.unscored_rollouts, counts.tally.unscored_parts) == (1, 1, 2)
    assert (counts.torn_cohorts, counts.failed_cohorts) == (0, 0)


async def test_every_rollout_is_a_row(tmp_path: Path) -> None:
    await judge_all(GroupJudge(settings(tmp_path), MAX_TOKENS, by_words), "began", "mumble")
    first, second = rows(tmp_path)
    assert first["question"] == "q-a"
    assert (first["score"], first["reward"], first["verdicts"], first["judged_together"]) == (
        0.6,
        0.6,
        [True, False],
        2,
    )
    assert (second["reward"], second["verdicts"], second["unscored_parts"]) == (None, [None, None], 2)


async def test_an_unended_last_row_of_a_killed_run_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "rollouts.jsonl").write_text('{"question": "whole"}\n{"question": "ha')
    await judge_all(GroupJudge(settings(tmp_path), MAX_TOKENS, by_words), "began")
    assert [row["question"] for row in rows(tmp_path)] == ["whole", "q-a"]


async def test_guards_lower_the_reward_and_not_the_score(tmp_path: Path) -> None:
    judge = GroupJudge(settings(tmp_path), MAX_TOKENS, by_words)
    long = await judge.judged(rollout("a", 0, "began flags", group=1, tokens=95))
    assert (long.score, long.reward) == (1.0, 0.5)
    assert long.penalty == -0.5


async def test_without_a_judge_a_group_is_unscored_and_counted(tmp_path: Path) -> None:
    judge = GroupJudge(settings(tmp_path), MAX_TOKENS, by_words)
    lost = await judge_all(judge, "began", "away")
    assert [(one.reward, one.failed) for one in lost] == [(None, True), (None, True)]
    again = await judge_all(judge, "began", "flags", uid="b")
    assert [(one.reward, one.failed) for one in again] == [(0.6, False), (0.4, False)]
    counts = await judge.counts()
    assert (counts.failed_cohorts, counts.tally.skipped_groups, counts.tally.unscored_rollouts) == (1, 1, 2)


async def test_a_judge_that_stays_away_ends_the_run(tmp_path: Path) -> None:
    judge = GroupJudge(settings(tmp_path, failed_groups=2), MAX_TOKENS, by_words)
    assert [one.failed for one in await judge_all(judge, "away")] == [True]
    with pytest.raises(JudgeUnreachable, match="http://judge"):
        await judge_all(judge, "away", uid="b")


async def test_a_torn_group_is_scored_and_counted(tmp_path: Path) -> None:
    judge = GroupJudge(settings(tmp_path, wait_seconds=0.05), MAX_TOKENS, by_words)
    [alone] = await judge_all(judge, "began", group=2)
    assert (alone.reward, alone.together) == (0.6, 1)
    assert (await judge.counts()).torn_cohorts == 1


async def test_within_a_group_the_longer_answer_wins(tmp_path: Path) -> None:
    judge = GroupJudge(settings(tmp_path, method="crpo", pairs="group"), MAX_TOKENS, by_length_in_group)
    judged = await judge_all(judge, "a", "aa", "aaa")
    assert [one.reward for one in judged] == [0.0, 0.5, 1.0]


async def test_a_lone_rollout_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    options: dict[str, Any] = {"method": "crpo", "pairs": "group", "wait_seconds": 0.05}
    judge = GroupJudge(settings(tmp_path, **options), MAX_TOKENS, by_length_in_group)
    [alone] = await judge_all(judge, "a", group=2)
    assert (alone.reward, alone.failed) == (None, False)


def test_unscored_is_not_a_number_in_a_tensor() -> None:
    assert math.isnan(not_a_number_if_unscored(None))
    assert not_a_number_if_unscored(0.25) == 0.25
