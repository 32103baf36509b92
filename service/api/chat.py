"""POST /v1/chat/completions: guided under our own model name, passed through under the engine's.

Invariant: a request gets either the loop or the engine's own bytes, and the response says which.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from service.api import sse
from service.api.body import parse_object, validated
from service.api.bypass import Bypass, bypass_reason
from service.api.chat_types import ChatRequest
from service.api.completion import Chunks, completion
from service.api.disconnect import until_disconnect
from service.api.guided import guided, loop_options
from service.api.passthrough import pass_through
from service.api.stages import StageText
from service.api.trace_view import TraceView, trace_view
from service.errors import InvalidRequest, NotFound
from service.gateway import Gateway, GatewayOf
from service.observe import Record, engine_headers, record_of
from service.revision.events import AnswerDelta, Event, Finished
from service.revision.task import Sampling, Task
from service.revision.trace import Trace

router = APIRouter(prefix="/v1")
# What the loop decides for itself, or has named fields for; all else goes to the draft's call as it came.
_OWN_FIELDS = (
    frozenset(
        ["model", "messages", "stream", "stream_options", "n", "preceptor", "temperature", "top_p", "seed", "stop"]
    )
    | frozenset(["max_tokens", "max_completion_tokens", "tools", "tool_choice", "functions", "function_call"])
    | frozenset(["parallel_tool_calls", "response_format", "logprobs", "top_logprobs"])
)


@router.post("/chat/completions")
async def complete_chat(request: Request, gateway: GatewayOf) -> Response:
    """Answer a conversation, in the shape and with the errors of the OpenAI API."""
    raw = await request.body()
    body = parse_object(raw)
    name = _model_name(body)
    if name != gateway.settings.slug:
        await _must_be_engine_model(gateway, name)
        return await pass_through(request, gateway, raw, body, Bypass.ENGINE_MODEL)
    wanted = validated(ChatRequest, body)
    reason = bypass_reason(body)
    if reason is not None:
        engine_body = {key: value for key, value in body.items() if key != "preceptor"}
        engine_body["model"] = (await gateway.binding.bound()).model
        return await pass_through(request, gateway, orjson.dumps(engine_body), engine_body, reason)
    await gateway.binding.bound()
    record = record_of(request)
    events = guided(gateway, chat_task(wanted, body, gateway, engine_headers(request)), record)
    if wanted.stream:
        return _stream(wanted, events, gateway, record)
    return await until_disconnect(request, _whole(wanted, events, gateway, record))


@router.post("/completions")
async def complete_text(request: Request, gateway: GatewayOf) -> Response:
    """Text completions are the engine's own business; load generators ask for them."""
    raw = await request.body()
    body = parse_object(raw)
    await _must_be_engine_model(gateway, _model_name(body))
    return await pass_through(request, gateway, raw, body, Bypass.ENGINE_MODEL)


def chat_task(wanted: ChatRequest, body: Mapping[str, Any], gateway: Gateway, headers: Mapping[str, str]) -> Task:
    """The loop's task: the client's messages untouched, its sampling for the draft."""
    sampling = Sampling(
        temperature=wanted.temperature,
        top_p=wanted.top_p,
        seed=wanted.seed,
        stop=(wanted.stop,) if isinstance(wanted.stop, str) else tuple(wanted.stop or ()),
        max_tokens=wanted.max_completion_tokens or wanted.max_tokens,
        extra={key: value for key, value in body.items() if key not in _OWN_FIELDS},
    )
    options = loop_options(wanted.extension, gateway.settings)
    return Task(
        messages=body["messages"], sampling=sampling, options=options, headers=headers, live=bool(wanted.stream)
    )


async def _must_be_engine_model(gateway: Gateway, name: str) -> None:
    if name != (await gateway.binding.bound()).model:
        raise NotFound("there is no model of that name here", param="model", code="model_not_found")


def _model_name(body: Mapping[str, Any]) -> str:
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise InvalidRequest("model: a model name is needed", param="model")
    return name


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
    answer = completion(wanted.model, trace, _view(wanted, trace, gateway), "".join(told))
    return Response(orjson.dumps(answer), headers=record.headers(), media_type="application/json")


def _stream(
    wanted: ChatRequest, events: AsyncGenerator[Event, None], gateway: Gateway, record: Record
) -> sse.EventStream:
    chunks = Chunks(wanted.model)
    return sse.EventStream(
        _chunks(wanted, events, gateway, chunks),
        opening=chunks.role(),
        open_after_s=gateway.settings.open_after_s,
        heartbeat_s=gateway.settings.heartbeat_s,
        on_leave=record.client_left,
    )


async def _chunks(
    wanted: ChatRequest, events: AsyncGenerator[Event, None], gateway: Gateway, chunks: Chunks
) -> AsyncGenerator[bytes, None]:
    stages = StageText(gateway.corpus) if wanted.extension.stages else None
    async with aclosing(events):
        async for event in events:
            told = stages.tell(event) if stages else ""
            if told:
                yield chunks.reasoning(told)
            if isinstance(event, AnswerDelta):
                yield chunks.content(event.text)
            elif isinstance(event, Finished):
                yield chunks.last(event.trace, _view(wanted, event.trace, gateway))
                if wanted.wants_usage:
                    yield chunks.usage(event.trace)
                yield sse.DONE
            elif not told:
                yield b""  # a sign of life, which opens the stream
