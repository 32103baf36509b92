"""The one boundary at which errors become OpenAI error objects.

Invariant: whatever goes wrong, a client reads {"error": {message, type, param, code}}, and never a stack trace or a
text of ours that quotes a prompt.
"""

import logging
import math
import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from models.engine import EngineError, EngineRefused, EngineTimeout, EngineUnavailable
from service.answer_headers import make_safe
from service.api.allowed import methods_of
from service.feedback.failure import FeedbackFailure
from service.observe import CLIENT_LEFT_STATUS, REQUEST_ID, record_of
from service.revision.failure import RevisionUnavailable

Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]
RETRY_AFTER_S = 2.0
_PARAMETER = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
log = logging.getLogger("preceptor.errors")


class ClientLeft(Exception):
    """Nobody is waiting for the answer any more."""


class ApiError(Exception):
    """An error as the client is to see it."""

    status = 500
    type = "server_error"
    code: str | None = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.headers = dict(headers or {})
        if code is not None:
            self.code = code

    def body(self) -> bytes:
        """The JSON of the error object."""
        return error_body(self.message, type_=self.type, param=self.param, code=self.code)


class InvalidRequest(ApiError):
    """The request is malformed."""

    status, type, code = 400, "invalid_request_error", "invalid_request"


class InvalidApiKey(ApiError):
    """No API key, or one that is not ours."""

    status, type, code = 401, "authentication_error", "invalid_api_key"


class MissingScope(ApiError):
    """An API key that does not open this."""

    status, type, code = 403, "permission_error", "missing_scope"


class OriginRefused(ApiError):
    """A web page that may not ask here."""

    status, type, code = 403, "permission_error", "origin_refused"


class HostRefused(ApiError):
    """A host name that is not ours."""

    status, type, code = 421, "invalid_request_error", "host_refused"


class HeadTooLarge(ApiError):
    """The request's line and headers are larger than the gateway takes."""

    status, type, code = 431, "invalid_request_error", "head_too_large"


class HeadTooSlow(ApiError):
    """The request's line and headers did not arrive in time."""

    status, type, code = 408, "invalid_request_error", "head_too_slow"


class NotHttp(ApiError):
    """What came is no request of HTTP/1.1."""

    status, type, code = 400, "invalid_request_error", "not_http"


class NotFound(ApiError):
    """There is no such thing under that name."""

    status, type, code = 404, "invalid_request_error", "not_found"


class FeedbackOff(NotFound):
    """This gateway takes no feedback."""

    code = "feedback_off"


class IdempotencyConflict(ApiError):
    """One idempotency key for two things."""

    status, type, code = 409, "invalid_request_error", "idempotency_conflict"


class TooLong(ApiError):
    """A field holds more than it may."""

    status, type, code = 422, "invalid_request_error", "too_long"


class FeedbackUnavailable(ApiError):
    """The feedback database did not do it."""

    status, type = 503, "server_error"


class BodyTooLarge(ApiError):
    """The body is larger than the gateway takes."""

    status, type, code = 413, "invalid_request_error", "body_too_large"


class BodyTooSlow(ApiError):
    """The body did not arrive in time."""

    status, type, code = 408, "invalid_request_error", "body_too_slow"


class Busy(ApiError):
    """Every slot is taken; better told at once than queued."""

    status, type, code = 429, "rate_limit_error", "busy"


class RateLimited(ApiError):
    """This client has spent more tokens than it may have."""

    status, type, code = 429, "rate_limit_error", "rate_limit_exceeded"


class TooManyAtOnce(ApiError):
    """This client has as many requests at work as it may have, and no more of them may wait, or wait longer."""

    status, type, code = 429, "rate_limit_error", "concurrency_limit_exceeded"


class Stopping(ApiError):
    """The server ends before the answer does."""

    status, type, code = 503, "server_error", "shutting_down"


class Unrevised(ApiError):
    """The request was strict and its answer could not be criticised."""

    status, type, code = 503, "revision_error", "revision_unavailable"


class EngineFailed(ApiError):
    """A call to the engine failed; what the engine said against the request itself is passed on as it said it."""

    code = None

    def __init__(self, error: EngineError) -> None:
        super().__init__(error.message, headers=_retry_headers(error))
        self.status = error.status
        self.type = error.type
        self._own = error.body if isinstance(error, EngineRefused) else None

    def body(self) -> bytes:
        """The engine's own error object where there is one."""
        return super().body() if self._own is None else orjson.dumps({"error": self._own})


def _retry_headers(error: EngineError) -> dict[str, str]:
    if isinstance(error, EngineTimeout):
        return {"x-should-retry": "false"}  # the client's library would ask again for what took too long
    if not isinstance(error, EngineUnavailable):
        return {}
    return {"retry-after": str(math.ceil(RETRY_AFTER_S if error.retry_after is None else error.retry_after))}


def api_error(error: BaseException) -> ApiError:
    """Classify whatever was raised; what nobody expected is logged and told as an internal error."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, EngineError):
        return EngineFailed(error)
    if isinstance(error, FeedbackFailure):
        retry = {"retry-after": str(math.ceil(RETRY_AFTER_S))}
        return FeedbackUnavailable(error.message, code=f"feedback_{error.reason.value}", headers=retry)
    if isinstance(error, RevisionUnavailable):
        return Unrevised("the answer could not be criticised, and the request was strict", code=error.reason.value)
    if isinstance(error, ValidationError | RequestValidationError):
        return invalid(error)
    log.error("unexpected error", exc_info=error)
    return ApiError("internal error")


async def _client_left(request: Request, _: Exception) -> Response:
    record_of(request).client_left()
    return Response(status_code=CLIENT_LEFT_STATUS)


def error_body(message: str, *, type_: str, param: str | None = None, code: str | None = None) -> bytes:
    """Write an OpenAI error object."""
    return orjson.dumps({"error": {"message": message, "type": type_, "param": param, "code": code}})


def error_response(error: ApiError) -> Response:
    """The response of an error that comes before the first byte."""
    return Response(error.body(), status_code=error.status, headers=error.headers, media_type="application/json")


def invalid(error: ValidationError | RequestValidationError) -> InvalidRequest:
    """Name the first field that is wrong, without quoting what stood there."""
    first = error.errors()[0]
    param = ".".join(plain_name(part) for part in first["loc"] if part != "body") or None
    message = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "union_tag_invalid":  # whose own message quotes the tag
        message = f"{first['ctx']['discriminator']} needs to be one of {first['ctx']['expected_tags']}"
    if first["type"] == "extra_forbidden":
        return InvalidRequest(f"unknown key {param}", param=param, code="unknown_parameter")
    return InvalidRequest(f"{param}: {message}" if param else message, param=param)


def plain_name(part: int | str) -> str:
    """A key or an index of a request as it may be told; a key that does not look like a parameter's is content."""
    return str(part) if isinstance(part, int) or _PARAMETER.fullmatch(part) else "(a key)"


async def _classified(_: Request, error: Exception) -> Response:
    return error_response(api_error(error))


async def _failed(request: Request, error: Exception) -> Response:
    record_of(request).error = type(error).__name__
    return await _classified(request, error)


async def _unexpected(request: Request, error: Exception) -> Response:
    """Answered outside all middleware of ours, so that the request's id is to be told here."""
    response = await _classified(request, error)
    response.headers[REQUEST_ID] = record_of(request).request_id
    make_safe(response.headers)
    return response


async def _http_error(request: Request, error: HTTPException) -> Response:
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    if error.status_code == 405:
        headers["allow"] = methods_of(request)
    type_ = "invalid_request_error" if error.status_code < 500 else "server_error"
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code)
    content = error_body(str(error.detail), type_=type_, code=code)
    return Response(content, error.status_code, headers=headers, media_type="application/json")


def exception_handlers() -> dict[int | type[Exception], Handler]:
    """The handlers of ``create_app``."""
    return {
        ApiError: _classified,
        EngineError: _failed,
        RevisionUnavailable: _failed,
        FeedbackFailure: _failed,
        RequestValidationError: _classified,
        HTTPException: _http_error,
        ClientLeft: _client_left,
        ClientDisconnect: _client_left,
        Exception: _unexpected,
    }
