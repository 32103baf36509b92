"""Runs the loop for a request, and sees to it that what happened is counted once.

Invariant: a request's own options can only shorten the gateway's deadline, never lengthen it.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from models.engine import EngineError
from service.api.chat_types import LoopOptions
from service.gateway import Gateway
from service.observe import Record
from service.revision.events import AnswerDelta, DraftDelta, Event, Finished, PrinciplesFound
from service.revision.failure import RevisionUnavailable
from service.revision.task import Options, Task
from service.settings import Settings


def loop_options(wanted: LoopOptions, settings: Settings) -> Options:
    """A request's options, with the gateway's where it has none."""
    deadline_ms = settings.deadline_s * 1000
    if wanted.deadline_ms is not None:
        deadline_ms = min(deadline_ms, wanted.deadline_ms)
    return Options(
        rounds=settings.rounds if wanted.rounds is None else wanted.rounds,
        top_k=settings.top_k if wanted.top_k is None else wanted.top_k,
        principles=wanted.principles,
        strict=wanted.strict,
        deadline_ms=deadline_ms,
    )


async def guided(gateway: Gateway, task: Task, record: Record) -> AsyncGenerator[Event, None]:
    """The loop's events; the last one is ``Finished``. Raises ``EngineError`` or ``RevisionUnavailable``.

    The principles are found before the engine says anything. They are told with its first sign, so that a stream does
    not open for a request that the engine is about to refuse.
    """
    held: list[Event] = []
    try:
        bound = await gateway.binding.bound()
        reviser = bound.reviser(gateway.retriever)
        async with aclosing(reviser.run(replace(task, spent=record.meter.spend))) as events:
            async for event in events:
                record.meter.pieces += isinstance(event, AnswerDelta | DraftDelta)
                if isinstance(event, AnswerDelta):
                    record.answer_started()
                elif isinstance(event, Finished):
                    record.finished(event.trace)
                    gateway.metrics.observe_trace(event.trace)
                if isinstance(event, PrinciplesFound):
                    held.append(event)
                    continue
                while held:
                    yield held.pop()
                yield event
    except (EngineError, RevisionUnavailable) as error:
        record.error = type(error).__name__
        raise
