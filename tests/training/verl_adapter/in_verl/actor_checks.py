"""The group judge as a named actor of a real Ray."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
import ray
from ray import cloudpickle
from ray.exceptions import RayTaskError

from tests.training.verl_adapter.judging import by_words, rollout, settings
from training.judges.errors import JudgeUnreachable
from training.verl_adapter.actor import JudgeActor
from training.verl_adapter.rollout import Judged

MAX_TOKENS = 100
WHILE_WAITING = 1.0

cloudpickle.register_pickle_by_value(sys.modules[__name__])


def judge(folder: Path, name: str, **changes: Any) -> JudgeActor:
    return JudgeActor(settings(folder, **changes), MAX_TOKENS, by_words, name)


@ray.remote(num_cpus=0)
class Worker:
    """A reward worker: an asynchronous actor with its own way to the judge."""

    def __init__(self, folder: Path, name: str, **changes: Any) -> None:
        self._judge = judge(folder, name, **changes)

    async def ask(self, uid: str, session: int, answer: str, group: int) -> Judged:
        return await self._judge.judged(rollout(uid, session, answer, group))


async def test_two_groups_through_two_workers_are_judged_whole(tmp_path: Path) -> None:
    one, two = (Worker.remote(tmp_path, "whole") for _ in range(2))
    asked = [
        one.ask.remote("a", 0, "began", 2),
        two.ask.remote("b", 0, "flags", 2),
        one.ask.remote("b", 1, "mumble", 2),
        two.ask.remote("a", 1, "began flags", 2),
    ]
    judged = await asyncio.gather(*asked)
    assert [(x.reward, x.together) for x in judged] == [(0.6, 2), (0.4, 2), (None, 2), (1.0, 2)]
    counts = await ray.get_actor("whole").counts.remote()
    assert (counts.tally.groups, counts.tally.unscored_rollouts, counts.torn_cohorts) == (2, 1, 0)
    assert len((tmp_path / "rollouts.jsonl").read_text().splitlines()) == 4


async def test_one_missing_is_waited_for_in_vain_and_answered_when_it_comes(tmp_path: Path) -> None:
    way = judge(tmp_path, "torn", wait_seconds=1.0)
    early = await asyncio.gather(*(way.judged(rollout("a", session, "began", 3)) for session in (0, 1)))
    assert [one.together for one in early] == [2, 2]
    late = await way.judged(rollout("a", 2, "flags", 3))
    assert (late.reward, late.together) == (0.4, 1)


async def test_a_failing_judge_leaves_a_group_unscored_and_then_ends_the_run(tmp_path: Path) -> None:
    way = judge(tmp_path, "away", failed_groups=2)
    first = await way.judged(rollout("a", 0, "away", 1))
    assert (first.reward, first.failed) == (None, True)
    with pytest.raises(RayTaskError) as raised:
        await way.judged(rollout("b", 0, "away", 1))
    assert isinstance(raised.value, JudgeUnreachable)
    assert "http://judge" in str(raised.value)


async def test_a_worker_that_dies_while_it_waits_takes_nothing_from_the_others(tmp_path: Path) -> None:
    way = judge(tmp_path, "dying", wait_seconds=20.0)
    await way.judged(rollout("warm", 0, group=1))
    dying = Worker.remote(tmp_path, "dying")
    dying.ask.remote("a", 0, "began", 2)
    await asyncio.sleep(3 * WHILE_WAITING)
    ray.kill(dying)
    judged = await asyncio.wait_for(way.judged(rollout("a", 1, "flags", 2)), 10)
    assert (judged.reward, judged.together) == (0.4, 2)


async def test_waiting_rollouts_outlive_the_actors_process(tmp_path: Path) -> None:
    way = judge(tmp_path, "restarted")
    waiting = asyncio.create_task(way.judged(rollout("a", 0, "began", 2)))
    await asyncio.sleep(3 * WHILE_WAITING)
    ray.kill(ray.get_actor("restarted"), no_restart=False)
    await asyncio.sleep(WHILE_WAITING)
    other = await asyncio.wait_for(way.judged(rollout("a", 1, "flags", 2)), 30)
    assert [(await waiting).together, other.together] == [2, 2]


async def test_waiting_rollouts_outlive_the_worker_that_started_the_actor(tmp_path: Path) -> None:
    starter, other = Worker.remote(tmp_path, "orphan"), Worker.remote(tmp_path, "orphan")
    await starter.ask.remote("warm", 0, "began", 1)
    waiting = other.ask.remote("a", 0, "began", 2)
    await asyncio.sleep(WHILE_WAITING)
    ray.kill(starter)
    await asyncio.sleep(3 * WHILE_WAITING)
    completing = await asyncio.wait_for(other.ask.remote("a", 1, "flags", 2), 30)
    assert [(await waiting).together, completing.together] == [2, 2]
