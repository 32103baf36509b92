"""Hands a request to the engine and its reply back, byte for byte, streaming or not.

Invariant: status and body are the engine's; only headers of ours are added.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from time import perf_counter
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from models.engine import Reply
from service.api import sse
from service.api.bypass import Bypass
from service.api.disconnect import until_disconnect
from service.gateway import Gateway
from service.observe import Record, engine_headers, record_of
from service.revision.trace import Outcome


async def pass_through(
    request: Request, gateway: Gateway, raw: bytes, body: Mapping[str, Any], reason: Bypass
) -> Response:
    """Forward ``raw`` to the engine's route of the same path."""
    record = record_of(request)
    record.outcome, record.reason = Outcome.BYPASSED.value, reason.value
    gateway.metrics.outcomes.labels(record.outcome).inc()
    gateway.metrics.bypasses.labels(record.reason).inc()
    headers = {"content-type": "application/json", **engine_headers(request)}
    if body.get("stream") is not True:
        return await until_disconnect(request, _whole(gateway, request.url.path, raw, headers, record))
    reply = await until_disconnect(request, _opened(gateway, request.url.path, raw, headers, record))
    if reply.status >= 400:
        return await until_disconnect(request, _read(reply, record))
    stream = sse.EventStream(_pieces(reply, record), headers=record.headers(), on_leave=record.client_left)
    stream.headers["content-type"] = _content_type(reply)
    return stream


async def _opened(gateway: Gateway, path: str, raw: bytes, headers: Mapping[str, str], record: Record) -> Reply:
    bound = await gateway.binding.bound()
    started = perf_counter()
    reply = await bound.engine.forward("POST", path, raw, headers)
    record.waiting_ms = (perf_counter() - started) * 1000
    return reply


async def _whole(gateway: Gateway, path: str, raw: bytes, headers: Mapping[str, str], record: Record) -> Response:
    return await _read(await _opened(gateway, path, raw, headers, record), record)


async def _read(reply: Reply, record: Record) -> Response:
    content = b"".join([piece async for piece in _pieces(reply, record)])
    return Response(content, reply.status, headers=record.headers(), media_type=_content_type(reply))


async def _pieces(reply: Reply, record: Record) -> AsyncGenerator[bytes, None]:
    """The reply's body; the time until each piece comes is time spent waiting for the engine."""
    waited_from = perf_counter()
    async with aclosing(reply.pieces()) as pieces:
        async for piece in pieces:
            record.waiting_ms = (record.waiting_ms or 0.0) + (perf_counter() - waited_from) * 1000
            yield piece
            waited_from = perf_counter()
        record.waiting_ms = (record.waiting_ms or 0.0) + (perf_counter() - waited_from) * 1000


def _content_type(reply: Reply) -> str:
    return reply.headers.get("content-type", "application/json")
