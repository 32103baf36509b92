"""The OpenAPI document as it is served: what FastAPI makes of the routes, with keys, tags and examples.

Invariant: nothing in it stands for one route by name; a new route gets its tag, its key and its examples like the rest.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from fastapi import FastAPI

from service.access import scopes_wanted
from service.api.examples import Exchange, load_exchanges
from service.errors import (
    ApiError,
    BodyTooLarge,
    BodyTooSlow,
    Busy,
    HeadTooLarge,
    InvalidApiKey,
    InvalidRequest,
    MissingScope,
    NotFound,
    Stopping,
)

JSON = "application/json"
BEARER = "key"
OPERATIONS = "operations"
DESCRIPTION = (
    "An OpenAI-compatible gateway that has a model's medical answers checked against clinical principles and revised. "
    "Not a medical device: the bundled model speaks of a small synthetic world and is not for patients."
)
TAGS: Mapping[str, str] = {
    "chat": "OpenAI's chat completions: guided under the model name `preceptor`, else the engine's own.",
    "completions": "The engine's own text completions, handed through.",
    "embeddings": "The engine's own embeddings, where its model gives any.",
    "revisions": "A question, with or without a draft, to a revised answer and all that led to it.",
    "principles": "The clinical principles: listed, read, searched.",
    "models": "The model names that a client may choose.",
    "feedback": "What reviewers say of revisions: given, listed, exported, erased.",
    OPERATIONS: "For operators: alive, ready, metrics.",
}
_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key of `preceptor keys new`; its scopes say what it opens. OpenAI's clients send api_key so.",
}
_ERRORS: Mapping[str, ApiError] = {
    "400": InvalidRequest("temperature: Input should be less than or equal to 2", param="temperature"),
    "401": InvalidApiKey("no valid API key was given"),
    "403": MissingScope("this needs a key of scope revisions"),
    "404": NotFound("there is no model of that name here", param="model", code="model_not_found"),
    "408": BodyTooSlow("the body did not arrive in time"),
    "413": BodyTooLarge("the body is larger than 8388608 bytes"),
    "429": Busy("every slot is taken"),
    "431": HeadTooLarge("the request's line and headers are too large"),
    "503": Stopping("the server is shutting down"),
}
_ANY_ERROR: Mapping[str, ApiError] = {
    "4XX": InvalidRequest("the request is malformed"),
    "5XX": ApiError("internal error"),
}


class Documented(FastAPI):
    """An app whose document says what a client needs beside the shapes; ``keys`` says whether it wants keys."""

    def __init__(self, *, keys: bool, **options: Any) -> None:
        super().__init__(description=DESCRIPTION, **options)
        self._keys = keys

    def openapi(self) -> dict[str, Any]:
        """The document, made when it is first asked for."""
        if self.openapi_schema is None:
            complete(super().openapi(), keys=self._keys)
        assert self.openapi_schema is not None
        return self.openapi_schema


def complete(document: dict[str, Any], *, keys: bool) -> None:
    """Add to a document of FastAPI's, in place: tags, what a key must open where ``keys`` are wanted, examples."""
    exchanges = load_exchanges()
    components = document.setdefault("components", {})
    components["securitySchemes"] = {BEARER: _KEY}
    errors = {**_ERRORS, **_ANY_ERROR}
    components["examples"] = {f"error_{status}": _error(error) for status, error in errors.items()}
    used = set()
    for path, method, operation in operations(document):
        operation["tags"] = [tag_of(path)]
        used.add(tag_of(path))
        if (scopes := scopes_wanted(path)) is not None:
            # Without keys the gateway asks for none, and takes what a client sends anyway.
            operation["security"] = [{BEARER: scopes}] if keys else [{}, {BEARER: scopes}]
        for exchange in exchanges.get(f"{method.upper()} {path}", ()):
            _show(operation, exchange)
        _show_errors(operation)
    document["tags"] = [{"name": name, "description": told} for name, told in TAGS.items() if name in used]


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and content of each operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def tag_of(path: str) -> str:
    """The one tag of a path's operations: its resource under /v1, or the operators'."""
    parts = path.strip("/").split("/")
    return parts[1] if parts[0] == "v1" else OPERATIONS


def _show(operation: dict[str, Any], exchange: Exchange) -> None:
    """Put the parts of an exchange where the document wants them."""
    sent = exchange.parameters | exchange.headers
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in sent:
            _add(parameter, exchange, sent[parameter["name"]])
    if exchange.body is not None:
        _add(operation["requestBody"]["content"][JSON], exchange, exchange.body)
    content = operation["responses"][str(exchange.status)].setdefault("content", {})
    _add(content.setdefault(exchange.media_type, {"schema": {"type": "string"}}), exchange, exchange.answer)


def _add(holder: dict[str, Any], exchange: Exchange, value: Any) -> None:
    holder.setdefault("examples", {})[exchange.name] = {"summary": exchange.summary, "value": value}


def _show_errors(operation: dict[str, Any]) -> None:
    """One error object for each status, the same for all operations."""
    for status, response in operation["responses"].items():
        media = response.get("content", {}).get(JSON)
        if media is not None and status[0] in "45" and "examples" not in media:
            name = status if status in _ERRORS else f"{status[0]}XX"
            media["examples"] = {"error": {"$ref": f"#/components/examples/error_{name}"}}


def _error(error: ApiError) -> dict[str, Any]:
    return {"summary": type(error).__doc__, "value": orjson.loads(error.body())}
