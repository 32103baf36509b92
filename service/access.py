"""Which key opens which route.

Invariant: where keys are wanted, nothing under /v1 and no metric is reached without one; a key reaches only what its
scopes name. Health checks and the OpenAPI document are open.
"""

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import ApiError, InvalidApiKey, MissingScope, error_response
from service.keys import Keys, today
from service.keys import Scope as KeyScope
from service.metrics import Metrics
from service.observe import record_in

API = "/v1"
SCOPES: Mapping[str, KeyScope] = {
    "/v1/chat/completions": KeyScope.CHAT,
    "/v1/completions": KeyScope.CHAT,
    "/v1/embeddings": KeyScope.CHAT,
    "/v1/revisions": KeyScope.REVISIONS,
    "/v1/principles": KeyScope.PRINCIPLES,
    "/v1/feedback": KeyScope.FEEDBACK,
    "/metrics": KeyScope.METRICS,
}


class Access:
    """Middleware: refuses requests without a key (401) or with one that does not open their route (403)."""

    def __init__(self, app: ASGIApp, keys: Keys, metrics: Metrics) -> None:
        self.app = app
        self.keys = keys
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.keys.wanted and _is_guarded(scope["path"]):
            try:
                self._check(scope)
            except ApiError as refusal:
                self.metrics.refused.labels(refusal.code).inc()
                await error_response(refusal)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        record, resource = record_in(scope), _resource(scope["path"])
        if resource is not None:
            record.route = resource
        ring = self.keys.ring
        key = ring.holder(_bearer(Headers(scope=scope)), today())
        if key is None:
            raise InvalidApiKey("no valid API key was given", headers={"www-authenticate": "Bearer"})
        record.client, record.limits = key.client, ring.limits(key.client)
        record.tenant = None if self.keys.opens_everything(key) else key.client
        if resource is not None and SCOPES[resource] not in key.scopes:
            needed = SCOPES[resource].value
            challenge = f'Bearer error="insufficient_scope", scope="{needed}"'
            raise MissingScope(f"this needs a key of scope {needed}", headers={"www-authenticate": challenge})


def _is_guarded(path: str) -> bool:
    return _within(path, API) or _within(path, "/metrics")


def _resource(path: str) -> str | None:
    """The resource that a path belongs to; None for what every key opens, such as the list of models."""
    return next((resource for resource in SCOPES if _within(path, resource)), None)


def _within(path: str, resource: str) -> bool:
    return path == resource or path.startswith(f"{resource}/")


def _bearer(headers: Headers) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None


def scopes_wanted(path: str) -> list[str] | None:
    """What a key has to open for this path where keys are wanted: nothing in particular if empty, no key if None."""
    resource = _resource(path)
    if resource is not None:
        return [SCOPES[resource].value]
    return [] if _is_guarded(path) else None
