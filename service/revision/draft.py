"""The first stage: the draft, and beside it the criteria that it will be judged by.

Invariant: the draft's call carries the client's own messages and sampling untouched, and its failure is the request's.
"""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from typing import Protocol

from models.engine import ChatRequest, EngineError, Usage
from principles.retrieve import Retrieval
from principles.schema import Principle
from service.revision.budget import Level, Limits
from service.revision.events import DraftBegun, DraftDelta, PrinciplesFound, RubricWritten
from service.revision.failure import Reason, StageFailure
from service.revision.prompts import Message
from service.revision.rubric import Criterion, RubricFailure, parse_rubric, rubric_schema
from service.revision.run import Run
from service.revision.task import Task

log = logging.getLogger("preceptor.revision")


class Retriever(Protocol):
    """Finds the scenario of a conversation and the principles that bear on it; may be called from several threads."""

    def retrieve(self, messages: Sequence[Message], top_k: int) -> Retrieval:
        """At most ``top_k`` principles that the scenario admits, most similar first."""


async def write_draft(run: Run, *, as_answer: bool = False) -> str:
    """Stream the draft, or take the client's own. Raises ``EngineError``."""
    if run.task.draft is not None:
        if as_answer:
            run.send_up_to(run.task.draft)
        return run.task.draft
    task, sampling, text = run.task, run.task.sampling, ""
    request = ChatRequest(
        messages=tuple(run.task.messages),
        max_tokens=sampling.max_tokens,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        seed=sampling.seed,
        stop=sampling.stop,
        extra={**sampling.extra, **task.everywhere},
        headers=run.task.headers,
    )
    with run.timed("draft"), run.step("draft"):
        if not run.task.live:
            return await _draft_in_one_piece(run, request, as_answer=as_answer)
        async with aclosing(run.calls.stream("draft", request)) as deltas:
            await anext(deltas)
            run.emit(DraftBegun())
            async for delta in deltas:
                _note_room(run, delta.usage)
                run.trace.finish_reason = delta.finish_reason or run.trace.finish_reason
                text += delta.text
                as_answer = as_answer or _is_all_that_fits(run)
                if delta.text and as_answer:
                    run.send_up_to(text)
                elif delta.text:
                    run.emit(DraftDelta(delta.text))
    return text


def _is_all_that_fits(run: Run) -> bool:
    """Say whether the deadline is so near that the draft will be the answer: it is then sent as it is written."""
    return not run.task.options.strict and run.budget.level() is Level.DRAFT_ONLY


def _note_room(run: Run, usage: Usage | None) -> None:
    limit = run.task.sampling.max_tokens
    if limit is not None and usage is not None:
        run.room_tokens = limit - usage.completion_tokens


async def _draft_in_one_piece(run: Run, request: ChatRequest, *, as_answer: bool) -> str:
    completion = await run.calls.chat("draft", request)
    run.trace.finish_reason = completion.finish_reason or run.trace.finish_reason
    _note_room(run, completion.usage)
    if as_answer:
        run.send_up_to(completion.text)
    else:
        run.emit(DraftDelta(completion.text))
    return completion.text


async def find_criteria(run: Run, retriever: Retriever, threads: Executor | None) -> tuple[Criterion, ...]:
    """Retrieve principles and have a rubric written from them. Raises ``StageFailure``."""
    principles = await _retrieve(run, retriever, threads)
    if not principles:
        raise StageFailure(Reason.NO_PRINCIPLES)
    run.budget.require(Level.GATED)
    prompt = run.prompts.rubric(run.task.messages, [(found.title, found.statement) for found in principles])
    request = run.request(prompt, run.limits.rubric_tokens, rubric_schema(len(principles)))
    try:
        with run.step("rubric") as step:
            with run.timed("rubric"):
                completion = await run.calls.chat("rubric", request)
            criteria = parse_rubric(completion.text, [found.id for found in principles])
            step.note(criteria=len(criteria))
    except EngineError as error:
        raise StageFailure(Reason.RUBRIC_FAILED) from error
    except RubricFailure as error:
        raise StageFailure(Reason.RUBRIC_UNREADABLE) from error
    run.trace.criteria = criteria
    run.emit(RubricWritten(criteria))
    return criteria


def begin_search(
    retriever: Retriever, threads: Executor | None, task: Task, limits: Limits
) -> asyncio.Future[Retrieval]:
    """Search in a thread, so that no stream waits."""
    top_k = limits.all_principles if task.options.principles == "all" else task.options.top_k
    return asyncio.get_running_loop().run_in_executor(threads, retriever.retrieve, task.messages, top_k)


async def _retrieve(run: Run, retriever: Retriever, threads: Executor | None) -> list[Principle]:
    """Await the search; the thread is a boundary, at which any failure gets its name. Raises ``StageFailure``."""
    search = run.task.search or begin_search(retriever, threads, run.task, run.limits)
    with run.step("retrieve") as step:
        with run.timed("retrieve"):
            await asyncio.wait({search})
        if (error := search.exception()) is not None:
            log.error("retrieval failed", exc_info=error)
            raise StageFailure(Reason.RETRIEVAL_FAILED) from error
        found = search.result()
        step.note(principles=len(found.hits), embed_ms=found.embed_ms, search_ms=found.search_ms)
    run.trace.timings_ms["retrieve"] = max(run.trace.timings_ms["retrieve"], found.embed_ms + found.search_ms)
    trace = run.trace
    trace.scenario = {name: str(value) for name, value in found.scenario.model_dump().items()}
    trace.confidence = {str(name): confidence for name, confidence in found.confidence.items()}
    trace.principles = [(hit.principle.id, hit.similarity) for hit in found.hits]
    run.emit(PrinciplesFound(trace.scenario, tuple(trace.principles)))
    return [hit.principle for hit in found.hits]
