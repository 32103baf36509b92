"""Hands a request to the engine and its reply back, byte for byte, streaming or not.

Invariant: status and body are the engine's, but its own failure (429, 5xx) is told in our words, since the engine's may
quote the prompt, and so is an error that is no OpenAI error object; only headers of ours are added.
"""

import re
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import ExitStack, aclosing
from time import perf_counter
from typing import Any

import orjson
from fastapi import Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from models.engine import Engine, EngineError, Reply, Usage
from models.wire import error_from, usage_in
from service.api import sse
from service.api.body import written
from service.api.bypass import Bypass
from service.api.disconnect import until_disconnect
from service.binding import Bound
from service.errors import EngineFailed, InvalidRequest, NotFound
from service.gateway import Gateway
from service.meter import Meter
from service.observe import Record, engine_headers, record_of
from service.revision.trace import Outcome
from service.revision.tracing import Call, Operation

OK = 200
_OPERATIONS: Mapping[str, Operation] = {"/v1/completions": "text_completion", "/v1/embeddings": "embeddings"}
_DATA = re.compile(rb"^data:(.*)$", re.MULTILINE)
# No text of an answer holds this: there a quotation mark is escaped.
_USAGE = re.compile(rb'"usage"\s*:\s*\{')


async def pass_through(
    request: Request, gateway: Gateway, raw: bytes, body: Mapping[str, Any], reason: Bypass
) -> Response:
    """Forward ``raw`` to the engine's route of the same path; ``body`` is what the client sent, parsed."""
    bound = await bound_for(request, gateway)
    if reason is Bypass.ENGINE_MODEL and not gateway.binding.serves(model_name(body)):
        raise NotFound("there is no model of that name here", param="model", code="model_not_found")
    record = record_of(request)
    record.outcome, record.reason = Outcome.BYPASSED.value, reason.value
    gateway.metrics.outcomes.labels(record.outcome).inc()
    gateway.metrics.bypasses.labels(record.reason).inc()
    path, stream = request.url.path, body.get("stream") is True
    model = bound.model if reason is not Bypass.ENGINE_MODEL else model_name(body)
    with ExitStack() as span:
        call = span.enter_context(gateway.tracer.call(model, _OPERATIONS.get(path, "chat"), stream=stream))
        opening = _opened(bound.engine, path, raw, call.headers(engine_headers(request)), record, call)
        if not stream:
            return await until_disconnect(request, _whole(opening, record))
        reply = await until_disconnect(request, opening)
        if reply.status != OK:
            return await until_disconnect(request, _read(reply, record))
        return RelayedReply(reply, record, call, span.pop_all())


class RelayedReply(sse.Relay):
    """A stream of the engine's, which is closed however little of it could be sent, and ``call``'s ``span`` with it."""

    def __init__(self, reply: Reply, record: Record, call: Call, span: ExitStack) -> None:
        pieces = _pieces(reply, record)
        if _content_type(reply).startswith("text/event-stream"):
            pieces = _metered(sse.whole_events(pieces), record.meter)
        super().__init__(pieces, headers={**record.headers(), **_kept(reply)}, on_leave=record.client_left)
        self.headers["content-type"] = _content_type(reply)
        self._reply = reply
        self._record = record
        self._call = call
        self._span = span

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._span:
            try:
                await super().__call__(scope, receive, send)
            finally:
                await self._reply.aclose()
                if self._record.cancelled or self._record.error:
                    self._call.failed(self._record.error or "cancelled")


async def bound_for(request: Request, gateway: Gateway) -> Bound:
    """The engine and the loop; the first request may wait for them, unless its client leaves."""
    if gateway.binding.current is not None:
        return gateway.binding.current
    return await until_disconnect(request, gateway.binding.bound())


def model_name(body: Mapping[str, Any]) -> str:
    """The model that a request names. Raises ``InvalidRequest``."""
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise InvalidRequest("model: a model name is needed", param="model")
    return name


def rewritten(body: Mapping[str, Any], model: str) -> bytes:
    """The request as the engine is to see it: under its own model's name, without our extension."""
    return written({**{key: value for key, value in body.items() if key != "preceptor"}, "model": model})


async def _opened(
    engine: Engine, path: str, raw: bytes, headers: Mapping[str, str], record: Record, call: Call
) -> Reply:
    started = perf_counter()
    reply = await engine.forward("POST", path, raw, headers)
    record.waiting_ms = (perf_counter() - started) * 1000
    call.replied(reply.engine, reply.status)
    return reply


async def _whole(call: Coroutine[Any, Any, Reply], record: Record) -> Response:
    return await _read(await call, record)


async def _read(reply: Reply, record: Record) -> Response:
    waited_from = perf_counter()
    content = await reply.read()
    record.waiting_ms = (record.waiting_ms or 0.0) + (perf_counter() - waited_from) * 1000
    headers = {**record.headers(), **_kept(reply)}
    if _is_no_answer(reply.status) or (reply.status >= 400 and not _is_error_object(content)):
        error = EngineFailed(error_from(reply.status, content))
        status = reply.status if reply.status >= 400 else error.status
        return Response(error.body(), status, headers=headers, media_type="application/json")
    if reply.status == OK:
        record.meter.spend(usage_in(content) or Usage())
    return Response(content, reply.status, headers=headers, media_type=_content_type(reply))


def _kept(reply: Reply) -> dict[str, str]:
    """The engine's headers that the client needs beside the content type."""
    return {name: value for name, value in reply.headers.items() if name != "content-type"}


def _is_no_answer(status: int) -> bool:
    """Say whether a reply speaks of the engine and not of the request."""
    return status < OK or 300 <= status < 400 or status in (408, 429) or status >= 500


def _is_error_object(content: bytes) -> bool:
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, dict) and isinstance(value.get("error"), dict)


async def _pieces(reply: Reply, record: Record) -> AsyncGenerator[bytes, None]:
    """The reply's body; the time until each piece comes is time spent waiting for the engine."""
    waited_from = perf_counter()
    try:
        async with aclosing(reply.pieces()) as pieces:
            async for piece in pieces:
                record.waiting_ms = (record.waiting_ms or 0.0) + (perf_counter() - waited_from) * 1000
                yield piece
                waited_from = perf_counter()
            record.waiting_ms = (record.waiting_ms or 0.0) + (perf_counter() - waited_from) * 1000
    except EngineError as error:
        record.error = type(error).__name__
        raise


async def _metered(events: AsyncGenerator[bytes, None], meter: Meter) -> AsyncGenerator[bytes, None]:
    """The same bytes; what the last event with a usage says is what the stream has cost."""
    usage: Usage | None = None
    try:
        async with aclosing(events):
            async for whole in events:
                for data in map(bytes.strip, _DATA.findall(whole)):
                    meter.pieces += data != b"[DONE]"
                    if _USAGE.search(data) is not None:
                        usage = usage_in(data) or usage
                yield whole
    finally:
        meter.spend(usage or Usage())


def _content_type(reply: Reply) -> str:
    return reply.headers.get("content-type", "application/json")
