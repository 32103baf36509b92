"""Who may enter: the API key, the size of the body, a slot for work that generates.

Invariant: a request is turned away before any engine is called, with an OpenAI error and, when full, with Retry-After.
"""

from collections.abc import Set

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import ApiError, BodyTooLarge, Busy, InvalidApiKey, error_response
from service.metrics import Metrics
from service.settings import Settings

GENERATING = frozenset({"/v1/chat/completions", "/v1/completions", "/v1/revisions"})


class Admit:
    """Middleware: API key and body size for all of /v1, a slot for the routes that generate."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics, generating: Set[str] = GENERATING) -> None:
        self.app = app
        self.settings = settings
        self.metrics = metrics
        self.generating = generating
        self.in_flight = 0
        metrics.slots.set(settings.max_in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            self.metrics.refused.labels(refusal.code).inc()
            await error_response(refusal)(scope, receive, send)
        elif scope["path"] in self.generating:
            await self._in_a_slot(scope, self._bounded(receive), send)
        else:
            await self.app(scope, self._bounded(receive), send)

    def _refusal(self, scope: Scope) -> ApiError | None:
        headers, settings = Headers(scope=scope), self.settings
        if scope["method"] != "OPTIONS" and not settings.admits(_bearer(headers)):
            return InvalidApiKey("no valid API key was given", headers={"www-authenticate": "Bearer"})
        announced = headers.get("content-length", "0")
        if announced.isdigit() and int(announced) > settings.max_body_bytes:
            return self._too_large()
        if scope["path"] in self.generating and self.in_flight >= settings.max_in_flight:
            return Busy("every slot is taken", headers={"retry-after": str(settings.retry_after_s)})
        return None

    async def _in_a_slot(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.in_flight += 1
        self.metrics.in_flight.set(self.in_flight)
        try:
            await self.app(scope, receive, send)
        finally:
            self.in_flight -= 1
            self.metrics.in_flight.set(self.in_flight)

    def _bounded(self, receive: Receive) -> Receive:
        """Count the bytes of a body that did not announce its size."""
        seen = 0

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.settings.max_body_bytes:
                raise self._too_large()
            return message

        return bounded

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"the body has more than {self.settings.max_body_bytes} bytes")


def _bearer(headers: Headers) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None
