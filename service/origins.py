"""Which web pages may ask: none but those served from here, and those whose origins the settings list.

Invariant: a browser's request from any other page is refused before anything is done for it, since a page may send a
plain POST without leave, and on a machine where no key is wanted that is all it takes.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import OriginRefused, error_response
from service.metrics import Metrics

METHODS = "GET, POST, DELETE"
PREFLIGHT_SECONDS = "600"
# OpenAI's own client names itself in headers of its own.
_TAKEN = (
    "authorization, content-type, idempotency-key, openai-organization, openai-project, traceparent, tracestate, "
    "user-agent, "
    "x-request-id, x-session-id, x-stainless-arch, x-stainless-helper-method, x-stainless-lang, x-stainless-os, "
    "x-stainless-package-version, x-stainless-retry-count, x-stainless-runtime, x-stainless-runtime-version, "
    "x-stainless-timeout"
)
_SHOWN = (
    "retry-after, retry-after-ms, x-preceptor-outcome, x-preceptor-overhead-ms, x-preceptor-reason, "
    "x-ratelimit-limit-requests, x-ratelimit-limit-tokens, x-ratelimit-remaining-requests, "
    "x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens, x-request-id"
)


class Origins:
    """Middleware: answers preflights from listed origins, and lets their pages read answers; refuses other pages."""

    def __init__(self, app: ASGIApp, listed: Collection[str], metrics: Metrics) -> None:
        self.app = app
        self.listed = frozenset(listed)
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        origin = headers.get("origin")
        if origin is None or _is_our_own(origin, headers):
            await self.app(scope, receive, send)
        elif origin not in self.listed:
            error = OriginRefused("pages of this origin may not ask here")
            self.metrics.refused.labels(error.code).inc()
            await error_response(error)(scope, receive, send)
        elif scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await _leave(origin)(scope, receive, send)
        else:
            await self.app(scope, receive, _readable(send, origin))


def _is_our_own(origin: str, headers: Headers) -> bool:
    """The scheme is left out: behind a proxy that ends TLS it is not ours to know."""
    return urlsplit(origin).netloc == headers.get("host", "") != ""


def _leave(origin: str) -> Response:
    told = {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": _TAKEN,
        "access-control-max-age": PREFLIGHT_SECONDS,
        "vary": "Origin",
    }
    return Response(status_code=204, headers=told)


def _readable(send: Send, origin: str) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["access-control-allow-origin"] = origin
            headers["access-control-expose-headers"] = _SHOWN
            headers.add_vary_header("Origin")
        await send(message)

    return sent
