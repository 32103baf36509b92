"""Gathers the rollouts of a group from callers that know nothing of each other, and has them judged together.

Invariant: every caller is answered. A group is judged when its last rollout arrives, or with those that came when the
time is up; later ones gather anew. What a caller does, its end included, changes nothing for the others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from training.verl_adapter.rollout import Judged, Rollout

JudgeTogether = Callable[[Sequence[Rollout]], Awaitable[Sequence[Judged]]]


class Cohorts:
    """The groups that are being gathered, in one event loop. ``wait_seconds`` count from a cohort's first arrival."""

    def __init__(self, judge: JudgeTogether, wait_seconds: float) -> None:
        self._judge, self._wait_seconds = judge, wait_seconds
        self._groups: dict[str, _Group] = {}
        self._tasks: set[asyncio.Task[Sequence[Judged]]] = set()

    async def judged(self, rollout: Rollout) -> Judged:
        """Return this rollout's judgement, when its cohort has one. The same session again gets the same answer.

        Raises ``ValueError`` for a rollout whose group has another size than the group has, and what the judge raises.
        """
        group = self._groups.setdefault(rollout.uid, _Group(rollout.group))
        if group.size != rollout.group:
            raise ValueError(f"group {rollout.uid!r} of {group.size} has a rollout that says {rollout.group}")
        if rollout.session not in group.answers:
            group.add(rollout)
            if group.timer is None:
                group.timer = asyncio.get_running_loop().call_later(self._wait_seconds, self._expire, rollout.uid)
            if len(group.answers) >= group.size:
                self._judge_waiting(rollout.uid, group)
        return await asyncio.shield(group.answers[rollout.session])

    @property
    def waiting(self) -> int:
        """How many rollouts wait for others of their group."""
        return sum(len(group.waiting) for group in self._groups.values())

    def _expire(self, uid: str) -> None:
        """Judge who waits. A group with nobody left to answer is forgotten, with what it still lacks."""
        group = self._groups[uid]
        if group.is_answered:
            del self._groups[uid]
            return
        group.timer = asyncio.get_running_loop().call_later(self._wait_seconds, self._expire, uid)
        if group.waiting:
            self._judge_waiting(uid, group)

    def _judge_waiting(self, uid: str, group: "_Group") -> None:
        cohort = group.take()
        task = asyncio.create_task(self._together(cohort))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda done: self._settle(uid, group, cohort, done))

    async def _together(self, cohort: Sequence[Rollout]) -> Sequence[Judged]:
        judged = await self._judge(cohort)
        if len(judged) != len(cohort):
            raise ValueError(f"{len(judged)} judgements on {len(cohort)} rollouts")
        return judged

    def _settle(
        self, uid: str, group: "_Group", cohort: Sequence[Rollout], done: asyncio.Task[Sequence[Judged]]
    ) -> None:
        """Answer the cohort, with the judge's error where it has raised one."""
        for number, rollout in enumerate(cohort):
            answer = group.answers[rollout.session]
            if done.cancelled():
                answer.cancel()
            elif error := done.exception():
                answer.set_exception(error)
                answer.exception()  # counts as seen: its caller may be gone
            else:
                answer.set_result(done.result()[number])
        if group.is_answered and len(group.answers) >= group.size and self._groups.get(uid) is group:
            if group.timer is not None:
                group.timer.cancel()
            del self._groups[uid]


class _Group:
    """One group: its answers by session, given or promised, and who waits to be judged."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.answers: dict[str, asyncio.Future[Judged]] = {}
        self.waiting: list[Rollout] = []
        self.timer: asyncio.TimerHandle | None = None

    def add(self, rollout: Rollout) -> None:
        self.answers[rollout.session] = asyncio.get_running_loop().create_future()
        self.waiting.append(rollout)

    def take(self) -> list[Rollout]:
        cohort, self.waiting = self.waiting, []
        return cohort

    @property
    def is_answered(self) -> bool:
        return all(answer.done() for answer in self.answers.values())
