"""POST /v1/revisions: a question, with or without a draft, to a revised answer and everything that led to it."""

import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Literal

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from service.api import sse
from service.api.answer_types import TraceView
from service.api.body import parse_object, validated
from service.api.chat_types import Closed, Count, LoopOptions, Message, ModelName, Seed
from service.api.disconnect import until_disconnect
from service.api.guided import guided, loop_options
from service.api.openapi import described
from service.api.trace_view import StageView, trace_view
from service.errors import NotFound
from service.gateway import Gateway, GatewayOf
from service.observe import Record, engine_headers, record_of
from service.revision.events import Event, Finished
from service.revision.task import Sampling, Task
from service.revision.trace import Trace

router = APIRouter(prefix="/v1/revisions")


class RevisionRequest(Closed):
    """A conversation, perhaps with the app's own draft of the answer."""

    messages: list[Message] = Field(min_length=1, description="the conversation, with the question last")
    draft: str | None = Field(default=None, min_length=1, description="your own draft; without it the model writes one")
    model: ModelName | None = Field(default=None, description="the guided model's name, or nothing")
    options: LoopOptions = Field(default=LoopOptions(), description="how the loop is to run")
    stream: bool = Field(default=False, description="one event for each stage, the whole revision as the last")
    temperature: float | None = Field(default=None, ge=0, le=2, description="of the draft alone")
    top_p: float | None = Field(default=None, gt=0, le=1, description="of the draft alone")
    seed: Seed | None = Field(default=None, description="of the draft alone")
    max_tokens: Count | None = Field(default=None, description="of draft and answer; no edit goes past it")


class Revision(TraceView):
    """A revised answer."""

    id: str
    object: Literal["revision"]
    created: int
    model: str
    answer: str
    finish_reason: str
    overhead_ms: float | None = Field(ge=0)


@router.post("", **described(RevisionRequest, Revision, streams=True))
async def revise(request: Request, gateway: GatewayOf) -> Response:
    """Draft (unless one is given), criticise, revise; with ``stream`` one event per stage."""
    body = parse_object(await request.body())
    wanted = validated(RevisionRequest, body)
    if wanted.model not in (None, gateway.settings.slug):
        raise NotFound("revisions are given under the guided model only", param="model", code="model_not_found")
    sampling = Sampling(
        temperature=wanted.temperature, top_p=wanted.top_p, seed=wanted.seed, max_tokens=wanted.max_tokens
    )
    record, headers = record_of(request), engine_headers(request)
    options = loop_options(wanted.options, gateway.settings)
    task = Task(
        body["messages"], wanted.draft, sampling, options, headers, arrived=record.arrived, tracer=gateway.tracer
    )
    events = guided(gateway, task, record)
    if wanted.stream:
        return sse.EventStream(
            _stages(events, gateway, record),
            open_after_s=gateway.settings.open_after_s,
            heartbeat_s=gateway.settings.heartbeat_s,
            on_leave=record.client_left,
        )
    return await until_disconnect(request, _whole(events, gateway, record))


def revision(trace: Trace, gateway: Gateway, record: Record) -> dict[str, Any]:
    """The resource."""
    overhead_ms = record.overhead_ms
    return {
        "id": f"rev-{uuid.uuid4().hex}",
        "object": "revision",
        "created": int(time.time()),
        "model": gateway.settings.slug,
        "answer": trace.answer,
        "finish_reason": trace.finish_reason,
        "overhead_ms": None if overhead_ms is None else round(overhead_ms, 3),
        **trace_view(trace, gateway.corpus).model_dump(mode="json", exclude_unset=True),
    }


async def _whole(events: AsyncGenerator[Event, None], gateway: Gateway, record: Record) -> Response:
    trace: Trace | None = None
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Finished):
                trace = event.trace
    assert trace is not None
    content = orjson.dumps(revision(trace, gateway, record))
    return Response(content, headers=record.headers(), media_type="application/json")


async def _stages(events: AsyncGenerator[Event, None], gateway: Gateway, record: Record) -> AsyncGenerator[bytes, None]:
    stages = StageView(gateway.corpus)
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Finished):
                yield sse.event("result", revision(event.trace, gateway, record)) + sse.DONE
            elif (shown := stages.show(event)) is not None:
                yield sse.event(*shown)
