"""What goes out to one client: no message waits for its reader for ever, and a server that stops says so.

Invariant: an answer that the server's end cuts off is told as an error: a whole one, or a stream's last event; so is a
request that comes after that end was announced.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.sse import failed
from service.errors import Stopping, error_response
from service.metrics import Metrics


class Outgoing:
    """Passes messages on to ``send``, each within ``stall_s`` seconds of what is left of the caller's ``patience``."""

    def __init__(self, send: Send, patience: asyncio.Timeout, stall_s: float) -> None:
        self._send = send
        self._patience = patience
        self._stall_s = stall_s
        self._now = asyncio.get_running_loop().time
        self._head: Message | None = None

    async def send(self, message: Message) -> None:
        """Send one message."""
        if message["type"] == "http.response.start":
            self._head = message
        self._patience.reschedule(self._now() + self._stall_s)
        await self._send(message)
        self._patience.reschedule(None)

    async def stop(self, scope: Scope, receive: Receive) -> None:
        """End an answer that has been cut off; one that is half sent and no stream cannot be ended well."""
        error = _stopping()
        if self._head is None:
            await error_response(error)(scope, receive, self._send)
        elif Headers(raw=self._head["headers"]).get("content-type", "").startswith("text/event-stream"):
            await self._send({"type": "http.response.body", "body": failed(error), "more_body": False})


class Drain:
    """Whether the server has been told to end, and how many requests it still owes an answer."""

    def __init__(self) -> None:
        self.begun = False
        self.open_requests = 0

    def begin(self) -> None:
        """Take no further requests from now on."""
        self.begun = True

    @contextmanager
    def request(self) -> Iterator[None]:
        """Hold the end off for the block."""
        self.open_requests += 1
        try:
            yield
        finally:
            self.open_requests -= 1


class TurnAway:
    """Middleware: requests under /v1 are served until ``drain`` has begun, and refused from then on."""

    def __init__(self, app: ASGIApp, drain: Drain, metrics: Metrics) -> None:
        self.app = app
        self.drain = drain
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self.app(scope, receive, send)
        elif self.drain.begun:
            error = _stopping()
            self.metrics.refused.labels(error.code).inc()
            await error_response(error)(scope, receive, send)
        else:
            with self.drain.request():
                await self._served(scope, receive, send)

    async def _served(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve; a request that is cut off while it waits, before anybody could answer it, is answered here.

        One that has been answered, here or by ``Outgoing.stop``, ends here: its task has nothing else to do, and the
        server would log what it is told of again as an error.
        """
        answered = False

        async def noted(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except asyncio.CancelledError:
            if not self.drain.begun:
                raise
            if not answered:
                await error_response(_stopping())(scope, receive, send)


def _stopping() -> Stopping:
    return Stopping("the server is shutting down", headers={"retry-after": "1", "connection": "close"})
