"""What goes out to one client: no message waits for its reader for ever, and a server that stops says so.

Invariant: an answer that the server's end cuts off is told as an error: a whole one, or a stream's last event.
"""

import asyncio

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from service.api.sse import failed
from service.errors import Stopping, error_response


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
        error = Stopping("the server is shutting down", headers={"retry-after": "1"})
        if self._head is None:
            await error_response(error)(scope, receive, self._send)
        elif Headers(raw=self._head["headers"]).get("content-type", "").startswith("text/event-stream"):
            await self._send({"type": "http.response.body", "body": failed(error), "more_body": False})
