"""Who may enter now: the size of the body, what its client may spend, a slot for work that the engine has to do.

Invariant: a request is turned away before any engine is called, with an OpenAI error and, when full, with Retry-After.
"""

import asyncio
import time
from collections.abc import Set

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.disconnect import disconnected
from service.bucket import Buckets
from service.errors import ApiError, BodyTooLarge, BodyTooSlow, ClientLeft, error_response
from service.meter import Meter
from service.metrics import Metrics
from service.observe import record_in
from service.outgoing import Outgoing
from service.quota import Quota, quota_of
from service.settings import Settings
from service.slots import Slots

GENERATING = frozenset({"/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/revisions"})


class Admit:
    """Middleware: the body's size for all of /v1, a slot for the routes that need the engine.

    Their bodies are read before they get a slot, so that a slow sender holds none.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics, generating: Set[str] = GENERATING) -> None:
        self.app = app
        self.settings = settings
        self.metrics = metrics
        self.generating = generating
        self.slots = Slots(settings.slots, settings.places, settings.queue_wait_s, settings.retry_after_s, metrics)
        self.buckets = Buckets()
        metrics.clients_limited.labels("tokens_per_minute").set_function(lambda: self.buckets.owing)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self.app(scope, receive, send)
            return
        generating = scope["method"] == "POST" and scope["path"] in self.generating
        if generating:
            record_in(scope).route = scope["path"]
        try:
            self._check(scope)
            if generating:
                await self._in_a_slot(scope, receive, send)
            else:
                await self.app(scope, self._bounded(receive), send)
        except ApiError as refusal:
            self.metrics.refused.labels(refusal.code).inc()
            self.metrics.refusal.labels(refusal.code).observe(record_in(scope).elapsed_ms / 1000)
            await error_response(refusal)(scope, receive, send)
        except ClientLeft:
            record_in(scope).client_left()

    def _check(self, scope: Scope) -> None:
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdigit() and int(announced) > self.settings.max_body_bytes:
            raise self._too_large()

    async def _in_a_slot(self, scope: Scope, receive: Receive, send: Send) -> None:
        record = record_in(scope)
        client, limits = record.client, record.limits
        quota = quota_of(self.buckets, client, limits)
        quota.require_tokens()
        async with self.slots.arriving(client, limits):
            body = await self._body(self._bounded(receive))
        async with self.slots.slot(client, limits, lambda: disconnected(receive)):
            quota.require_tokens()  # what was at work meanwhile may have cost more than there was
            record.admitted = time.perf_counter()
            self.metrics.queue_wait.observe(record.admitted - record.started)
            record.meter = quota.meter()
            try:
                await self._served(scope, _replayed(body, receive), self._limits_told(quota, send))
            finally:
                record.meter.close(len(body), left=record.cancelled)
                self._count(record.meter)

    def _limits_told(self, quota: Quota, send: Send) -> Send:
        """Tell the client with the answer's head what is left to it."""

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(quota.headers(self.slots.held(quota.client)))
            await send(message)

        return told

    def _count(self, meter: Meter) -> None:
        self.metrics.charged_tokens.labels("reported").inc(meter.reported_tokens)
        self.metrics.charged_tokens.labels("estimated").inc(meter.estimated_tokens)

    async def _served(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, but give up a client that does not read: it would hold its slot and the engine for ever."""
        try:
            async with asyncio.timeout(None) as patience:
                outgoing = Outgoing(send, patience, self.settings.stall_s)
                await self.app(scope, receive, outgoing.send)
        except TimeoutError as error:
            raise ClientLeft from error
        except asyncio.CancelledError:
            await outgoing.stop(scope, receive)
            raise

    async def _body(self, receive: Receive) -> bytes:
        """Read the whole body. Raises ``BodyTooLarge``, ``BodyTooSlow`` and ``ClientLeft``."""
        parts: list[bytes] = []
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                return b"".join(parts)

    def _bounded(self, receive: Receive) -> Receive:
        """Hold a body to its limits, whoever reads it: its bytes, which it need not have announced, and its time."""
        seen, whole, due = 0, False, asyncio.get_running_loop().time() + self.settings.body_s

        async def bounded() -> Message:
            nonlocal seen, whole
            if whole:
                return await receive()
            try:
                async with asyncio.timeout_at(due):
                    message = await receive()
            except TimeoutError as error:
                raise BodyTooSlow(f"the body did not arrive within {self.settings.body_s:g} s") from error
            seen += len(message.get("body", b""))
            if seen > self.settings.max_body_bytes:
                raise self._too_large()
            whole = not message.get("more_body")
            return message

        return bounded

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"the body has more than {self.settings.max_body_bytes} bytes")


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Give the body, then whatever comes after it."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
