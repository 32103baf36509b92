"""What the OpenAPI document says of routes that read their bodies themselves.

Invariant: every response that a route can give is described, errors as OpenAI's error object.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict


class ErrorObject(BaseModel):
    """OpenAI's error object; an engine's own may say more."""

    model_config = ConfigDict(extra="allow")

    message: str
    type: str
    param: str | None = None
    code: str | int | None = None


class ErrorBody(BaseModel):
    """The body of every error."""

    error: ErrorObject


_MEANINGS = {
    400: "The request is malformed, or the engine refuses it",
    401: "No valid API key",
    403: "An API key that does not open this, or a web page that may not ask",
    404: "No such thing",
    405: "The route has no such method",
    408: "The body did not arrive in time",
    413: "The body is too large",
    422: "The engine refuses the request",
    431: "The request's head is too large",
    429: "Every slot is taken; ask again after Retry-After",
    500: "A fault of the gateway",
    502: "The engine failed",
    503: "The engine is away, or a strict request could not be revised",
    504: "The engine kept silent for too long",
}
_EVENT = {"type": "object", "properties": {"event": {"type": "string"}, "data": {"type": "string"}}}
# What every route may be refused with before it is reached: at the door, over the head, while the server stops.
_READ = (400, 401, 403, 404, 405, 408, 413, 429, 431, 500, 503)
# The range keeps FastAPI from promising an error of its own shape.
_OTHER: dict[int | str, dict[str, Any]] = {"4XX": {"model": ErrorBody, "description": "Any other refusal"}}
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": meaning} for status, meaning in _MEANINGS.items()
}
# What a route that anybody reaches without an engine may be refused with.
REFUSED: dict[int | str, dict[str, Any]] = {**{status: ERRORS[status] for status in (401, 403)}, **_OTHER}


def read(answers: type[BaseModel], links: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The keyword arguments of a route without a body; the answer is written as it is, the type describes it."""
    errors = {status: ERRORS[status] for status in _READ}
    return {
        "response_model": None,
        "responses": {200: {"description": "The answer", "model": answers, "links": links or {}}, **errors, **_OTHER},
    }


FEEDBACK_ERRORS: dict[int | str, dict[str, Any]] = {
    **{status: ERRORS[status] for status in _READ},
    409: {"model": ErrorBody, "description": "The idempotency key came with another feedback"},
    422: {"model": ErrorBody, "description": "A field is too long"},
    503: {"model": ErrorBody, "description": "The feedback database is away, too busy, or has another schema"},
}


def described(
    body: type[BaseModel],
    answers: type[BaseModel],
    *,
    streams: bool = False,
    links: Mapping[str, Any] | None = None,
    status: int = 200,
    errors: Mapping[int | str, dict[str, Any]] = ERRORS,
) -> dict[str, Any]:
    """The keyword arguments of a route with this body, which with ``streams`` may answer with server-sent events."""
    content: dict[str, Any] = {"text/event-stream": {"schema": _EVENT}} if streams else {}
    ok = {"description": "The answer", "content": content, "model": answers, "links": links or {}}
    schema = body.model_json_schema()
    return {
        "response_model": None,
        "responses": {status: ok, **errors, **_OTHER},
        "openapi_extra": {
            "requestBody": {"required": True, "content": {"application/json": {"schema": _inlined(schema, schema)}}}
        },
    }


def _inlined(value: Any, schema: dict[str, Any]) -> Any:
    """Put every definition in the place of its references, which would lead nowhere inside a larger document."""
    if isinstance(value, list):
        return [_inlined(item, schema) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _inlined(schema["$defs"][value["$ref"].removeprefix("#/$defs/")], schema)
    return {key: _inlined(item, schema) for key, item in value.items() if key not in ("$defs", "discriminator")}
