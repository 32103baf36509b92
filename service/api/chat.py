"""POST /v1/chat/completions: guided under our own model name, passed through under the engine's.

Invariant: a request gets either the loop or the engine's own bytes, and the response says which.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from service.api import sse
from service.api.answer_types import TraceView
from service.api.body import parse_object, validated
from service.api.bypass import Bypass, bypass_reason
from service.api.chat_types import ChatCompletion, ChatRequest
from service.api.completion import Chunks, completion
from service.api.content import refuse_unreadable_content
from service.api.disconnect import until_disconnect
from service.api.fields import for_every_call, for_the_draft, refuse_to_go_first, refuse_unsupported
from service.api.guided import guided, loop_options
from service.api.openapi import described
from service.api.passthrough import bound_for, model_name, pass_through, rewritten
from service.api.stages import StageText
from service.api.trace_view import trace_view
from service.gateway import Gateway, GatewayOf
from service.observe import Record, engine_headers, record_of
from service.revision.events import AnswerDelta, Event, Finished
from service.revision.task import Sampling, Task
from service.revision.trace import Trace
from service.settings import Settings

router = APIRouter(prefix="/v1")


@router.post("/chat/completions", **described(ChatRequest, ChatCompletion, streams=True))
async def complete_chat(request: Request, gateway: GatewayOf) -> Response:
    """Answer a conversation, in the shape and with the errors of the OpenAI API."""
    raw = await request.body()
    body = parse_object(raw)
    refuse_to_go_first(body, record_of(request).client)
    if model_name(body) != gateway.settings.slug:
        return await pass_through(request, gateway, raw, body, Bypass.ENGINE_MODEL)
    wanted, bound = validated(ChatRequest, body), await bound_for(request, gateway)
    reason = bypass_reason(body)
    if reason is None:
        refuse_unsupported(body)
        refuse_unreadable_content(body["messages"], text_only=bound.entry.text_only)
        task = chat_task(wanted, body, gateway, request)
        task = replace(task, search=bound.reviser(gateway.retriever).begin_search(task))
        if not gateway.settings.bypass_talk or not await until_disconnect(request, _is_talk(task, gateway.settings)):
            return await _guided(request, gateway, wanted, task)
        reason = Bypass.NOT_HEALTH
    return await pass_through(request, gateway, rewritten(body, bound.model), body, reason)


def chat_task(wanted: ChatRequest, body: Mapping[str, Any], gateway: Gateway, request: Request) -> Task:
    """The loop's task: the client's messages untouched, its sampling for the draft."""
    sampling = Sampling(
        temperature=wanted.temperature,
        top_p=wanted.top_p,
        seed=wanted.seed,
        stop=(wanted.stop,) if isinstance(wanted.stop, str) else tuple(wanted.stop or ()),
        bad_words=tuple(wanted.bad_words or ()),
        max_tokens=wanted.max_completion_tokens or wanted.max_tokens,
        extra=for_the_draft(body),
    )
    return Task(
        messages=body["messages"],
        sampling=sampling,
        options=loop_options(wanted.extension, gateway.settings),
        headers=engine_headers(request),
        everywhere=for_every_call(body),
        arrived=record_of(request).arrived,
        live=bool(wanted.stream),
        tracer=gateway.tracer,
    )


async def _is_talk(task: Task, settings: Settings) -> bool:
    """Say whether the search has found that the conversation is not about health; a late or failed one has not."""
    if task.search is None:
        return False
    await asyncio.wait({task.search}, timeout=settings.open_after_s)
    return task.search.done() and task.search.exception() is None and not task.search.result().is_health


async def _guided(request: Request, gateway: Gateway, wanted: ChatRequest, task: Task) -> Response:
    record = record_of(request)
    events = guided(gateway, task, record)
    if wanted.stream:
        return _stream(wanted, events, gateway, record)
    return await until_disconnect(request, _whole(wanted, events, gateway, record))


def _view(wanted: ChatRequest, trace: Trace, gateway: Gateway) -> TraceView | None:
    return trace_view(trace, gateway.corpus) if wanted.extension.trace else None


async def _whole(
    wanted: ChatRequest, events: AsyncGenerator[Event, None], gateway: Gateway, record: Record
) -> Response:
    stages = StageText(gateway.corpus)
    told: list[str] = []
    trace: Trace | None = None
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Finished):
                trace = event.trace
            elif wanted.extension.stages:
                told.append(stages.tell(event))
    assert trace is not None
    answer = completion(wanted.model, trace, _view(wanted, trace, gateway), "".join(told), record.overhead_ms)
    return Response(orjson.dumps(answer), headers=record.headers(), media_type="application/json")


def _stream(
    wanted: ChatRequest, events: AsyncGenerator[Event, None], gateway: Gateway, record: Record
) -> sse.EventStream:
    chunks = Chunks(wanted.model)
    return sse.EventStream(
        _chunks(wanted, events, gateway, chunks, record),
        opening=chunks.role(),
        open_after_s=gateway.settings.open_after_s,
        heartbeat_s=gateway.settings.heartbeat_s,
        on_leave=record.client_left,
    )


async def _chunks(
    wanted: ChatRequest, events: AsyncGenerator[Event, None], gateway: Gateway, chunks: Chunks, record: Record
) -> AsyncGenerator[bytes, None]:
    stages = StageText(gateway.corpus) if wanted.extension.stages else None
    async with aclosing(events):
        async for event in events:
            told = stages.tell(event) if stages else ""
            if told:
                record.reasoning_started()
                yield chunks.reasoning(told)
            if isinstance(event, AnswerDelta):
                yield chunks.content(event.text)
            elif isinstance(event, Finished):
                yield chunks.last(event.trace, _view(wanted, event.trace, gateway), record.overhead_ms)
                if wanted.wants_usage:
                    yield chunks.usage(event.trace)
                yield sse.DONE
            elif not told:
                yield b""  # a sign of life, which opens the stream
