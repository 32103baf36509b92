import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.verl_adapter.judging import rollout
from training.verl_adapter.cohorts import Cohorts
from training.verl_adapter.rollout import Judged, Rollout

SHORT, LONG = 0.05, 30.0


class Recorder:
    """Judges by the number of rollouts that came together, and remembers who did."""

    def __init__(self, error: Exception | None = None, seconds: float = 0.0) -> None:
        self.cohorts: list[list[str]] = []
        self._error, self._seconds = error, seconds

    async def __call__(self, cohort: Sequence[Rollout]) -> list[Judged]:
        self.cohorts.append([f"{row.uid}{row.session}" for row in cohort])
        await asyncio.sleep(self._seconds)
        if self._error:
            raise self._error
        return [Judged(float(row.session), None, 0.0, 0, 0, len(cohort)) for row in cohort]


async def test_two_groups_that_arrive_interleaved_are_judged_apart_and_whole() -> None:
    recorder = Recorder()
    cohorts = Cohorts(recorder, LONG)
    order = [rollout("a", 0), rollout("b", 0), rollout("b", 1), rollout("a", 1)]
    judged = await asyncio.gather(*(cohorts.judged(row) for row in order))
    assert recorder.cohorts == [["b0", "b1"], ["a0", "a1"]]
    assert [(one.reward, one.together) for one in judged] == [(0.0, 2), (0.0, 2), (1.0, 2), (1.0, 2)]
    assert cohorts.waiting == 0


async def test_when_the_time_is_up_those_who_came_are_judged() -> None:
    recorder = Recorder()
    cohorts = Cohorts(recorder, SHORT)
    judged = await asyncio.gather(*(cohorts.judged(rollout("a", session, group=3)) for session in (0, 1)))
    assert [one.together for one in judged] == [2, 2]


async def test_a_late_rollout_that_completes_its_group_is_judged_at_once() -> None:
    recorder = Recorder()
    cohorts = Cohorts(recorder, SHORT)
    await asyncio.gather(*(cohorts.judged(rollout("a", session, group=3)) for session in (0, 1)))
    late = await asyncio.wait_for(cohorts.judged(rollout("a", 2, group=3)), SHORT / 2)
    assert (late.reward, late.together) == (2.0, 1)
    assert recorder.cohorts == [["a0", "a1"], ["a2"]]


async def test_late_rollouts_gather_anew() -> None:
    recorder = Recorder()
    cohorts = Cohorts(recorder, SHORT)
    await cohorts.judged(rollout("a", 0, group=3))
    late = await asyncio.gather(*(cohorts.judged(rollout("a", session, group=3)) for session in (1, 2)))
    assert [one.together for one in late] == [2, 2]


async def test_a_rollout_of_a_group_long_forgotten_is_still_answered() -> None:
    cohorts = Cohorts(Recorder(), SHORT)
    await cohorts.judged(rollout("a", 0))
    await asyncio.sleep(3 * SHORT)
    assert (await cohorts.judged(rollout("a", 1))).reward == 1.0


async def test_a_group_is_not_forgotten_while_its_judge_is_at_work() -> None:
    recorder = Recorder(seconds=3 * SHORT)
    cohorts = Cohorts(recorder, SHORT)
    first = asyncio.create_task(cohorts.judged(rollout("a", 0)))
    await asyncio.sleep(2 * SHORT)
    await asyncio.gather(first, cohorts.judged(rollout("a", 1)))
    assert recorder.cohorts == [["a0"], ["a1"]]


async def test_the_same_session_again_gets_the_same_answer_and_is_judged_once() -> None:
    recorder = Recorder()
    cohorts = Cohorts(recorder, LONG)
    twice = [asyncio.create_task(cohorts.judged(rollout("a", 0))) for _ in range(2)]
    await asyncio.sleep(0)
    await cohorts.judged(rollout("a", 1))
    assert [task.result().reward for task in twice if await task] == [0.0, 0.0]
    assert recorder.cohorts == [["a0", "a1"]]


async def test_a_caller_that_leaves_takes_nothing_from_the_others() -> None:
    recorder = Recorder()
    cohorts = Cohorts(recorder, LONG)
    leaving = asyncio.create_task(cohorts.judged(rollout("a", 0)))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await cohorts.judged(rollout("a", 1))).together == 2


async def test_the_judges_error_reaches_every_caller_and_the_next_group_is_judged() -> None:
    recorder = Recorder(error=RuntimeError("broken"))
    cohorts = Cohorts(recorder, LONG)
    results = await asyncio.gather(*(cohorts.judged(rollout("a", s)) for s in (0, 1)), return_exceptions=True)
    assert [str(result) for result in results] == ["broken", "broken"]
    recorder._error = None
    judged = await asyncio.gather(*(cohorts.judged(rollout("a", session)) for session in (0, 1)))
    assert [one.together for one in judged] == [2, 2]


async def test_a_judge_that_forgets_a_rollout_is_an_error() -> None:
    async def forgetful(cohort: Sequence[Rollout]) -> list[Judged]:
        return []

    with pytest.raises(ValueError, match="0 judgements on 1 rollouts"):
        await Cohorts(forgetful, LONG).judged(rollout("a", 0, group=1))


async def test_two_sizes_of_one_group_are_refused() -> None:
    cohorts = Cohorts(Recorder(), SHORT)
    waiting = asyncio.create_task(cohorts.judged(rollout("a", 0, group=2)))
    await asyncio.sleep(0)
    with pytest.raises(ValueError, match="group 'a' of 2 has a rollout that says 3"):
        await cohorts.judged(rollout("a", 1, group=3))
    assert (await waiting).together == 1


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5).flatmap(
    lambda sizes: st.permutations([(uid, s, n) for uid, n in enumerate(sizes) for s in range(n)])
))  # fmt: skip
def test_in_any_order_every_group_is_judged_whole_and_alone(order: list[tuple[int, int, int]]) -> None:
    async def run() -> tuple[Recorder, list[Judged]]:
        recorder = Recorder()
        cohorts = Cohorts(recorder, LONG)
        rows = [rollout(str(uid), session, group=size) for uid, session, size in order]
        return recorder, await asyncio.gather(*(cohorts.judged(row) for row in rows))

    recorder, judged = asyncio.run(run())
    assert [(one.reward, one.together) for one in judged] == [(float(session), size) for _, session, size in order]
    assert all(len({name[0] for name in cohort}) == 1 for cohort in recorder.cohorts)
