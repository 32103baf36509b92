"""Headers that every answer carries, so that no browser and no cache makes more of it than it is.

Invariant: a route's own header stands; the rest is the same for answers, errors and streams.
"""

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}


def make_safe(headers: MutableHeaders) -> None:
    """Add what is not there."""
    for name, value in SAFE.items():
        headers.setdefault(name, value)


class AnswerHeaders:
    """Middleware: makes the headers of every answer safe."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                make_safe(MutableHeaders(scope=message))
            await send(message)

        await self.app(scope, receive, sent if scope["type"] == "http" else send)
