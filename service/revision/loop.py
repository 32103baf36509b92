"""The loop: draft, criticise by retrieved principles, revise; every request ends in one named outcome.

Invariant: no request loses its answer because a stage after the draft failed, unless it is strict; and when the events
are closed, every engine call of the request has been cancelled.
"""

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import Executor

from models.engine import Engine
from principles.retrieve import Retrieval
from service.revision.alongside import alongside
from service.revision.budget import Budget, Level, Limits
from service.revision.calls import Calls
from service.revision.draft import Retriever, begin_search, find_criteria, write_draft
from service.revision.events import Event, Finished
from service.revision.failure import Reason, RevisionUnavailable, StageFailure
from service.revision.prompts import PromptSet
from service.revision.rewrite import improve
from service.revision.rounds import Ending, guided
from service.revision.run import Run
from service.revision.task import Task
from service.revision.trace import Outcome, Trace


class Reviser:
    """Runs tasks against one engine. ``threshold`` is the least P(met) at which a criterion counts as met.

    ``constrained`` has rubrics, edits and critiques decoded under their JSON schemas. ``priorities`` says that the
    engine schedules by priority: steps that finish an answer then go before new drafts and rubrics. Searches run in
    ``threads``, the event loop's own without any. It holds nothing but its means, so that a request may have its own.
    """

    def __init__(
        self,
        engine: Engine,
        prompts: PromptSet,
        retriever: Retriever,
        threshold: float,
        limits: Limits,
        logprobs: bool,
        *,
        constrained: bool = True,
        priorities: bool = False,
        threads: Executor | None = None,
    ) -> None:
        self._engine = engine
        self._prompts = prompts
        self._retriever = retriever
        self._threshold = threshold
        self._limits = limits
        self._logprobs = logprobs
        self._constrained = constrained
        self._priorities = priorities
        self._threads = threads

    def begin_search(self, task: Task) -> asyncio.Future[Retrieval] | None:
        """Begin the loop's search, to be handed to it with the task; None where it would not search."""
        if task.options.rounds == 0 or task.options.principles == "none":
            return None
        return begin_search(self._retriever, self._threads, task, self._limits)

    async def run(self, task: Task) -> AsyncGenerator[Event, None]:
        """Tell what happens, ``Finished`` last; close the generator to cancel everything.

        Raises ``EngineError`` where the draft fails, and ``RevisionUnavailable`` where a strict task is not revised.
        """
        events: asyncio.Queue[Event | None] = asyncio.Queue()
        async with alongside(self._work(task, events)) as work:
            while (event := await events.get()) is not None:
                yield event
            await work

    async def _work(self, task: Task, events: asyncio.Queue[Event | None]) -> None:
        run = self._started(task, events)
        trace = run.trace
        try:
            with run.timed("total"):
                ending = await self._ending(run)
            trace.answer, trace.outcome, trace.reason = ending.answer, ending.outcome, ending.reason
            trace.timings_ms["waiting"] = run.calls.waiting_ms
            run.send_up_to(ending.answer)
            run.emit(Finished(trace))
        finally:
            events.put_nowait(None)

    def _started(self, task: Task, events: asyncio.Queue[Event | None]) -> Run:
        trace = Trace(prompts=self._prompts.version)
        budget = Budget(self._limits, task.options.deadline_ms, started=task.arrived)
        return Run(
            task=task,
            prompts=self._prompts,
            limits=self._limits,
            threshold=self._threshold,
            logprobs=self._logprobs,
            constrained=self._constrained,
            budget=budget,
            calls=Calls(self._engine, budget, trace, task.tracer, spent=task.spent, priorities=self._priorities),
            trace=trace,
            emit=events.put_nowait,
        )

    async def _ending(self, run: Run) -> Ending:
        options = run.task.options
        if options.rounds == 0:
            run.trace.draft = await write_draft(run, as_answer=True)
            return Ending(run.trace.draft, Outcome.BYPASSED, Reason.ROUNDS_0)
        try:
            return await (_control(run) if options.principles == "none" else self._guided(run))
        except StageFailure as failure:
            if failure.reason is Reason.NO_PRINCIPLES:
                return Ending(run.trace.draft, Outcome.BYPASSED, failure.reason)
            if options.strict:
                raise RevisionUnavailable(failure.reason) from failure
            return Ending(run.trace.draft, Outcome.DEGRADED, failure.reason)

    async def _guided(self, run: Run) -> Ending:
        async with alongside(find_criteria(run, self._retriever, self._threads)) as criteria:
            await _draft(run)
            run.budget.require(Level.GATED)
            async with run.budget.in_time():
                await criteria
        return await guided(run)


async def _control(run: Run) -> Ending:
    await _draft(run)
    run.budget.require(Level.GUIDED)
    async with run.budget.in_time():
        answer = await improve(run, run.trace.draft)
    return Ending(answer, Outcome.REWRITTEN)


async def _draft(run: Run) -> None:
    """Have the draft written. A strict request has no use for one that outlasts the deadline; others are sent it."""
    if run.task.options.strict:
        async with run.budget.in_time():
            run.trace.draft = await write_draft(run)
    else:
        run.trace.draft = await write_draft(run)
    if not run.trace.draft.strip():
        raise StageFailure(Reason.EMPTY_DRAFT)
