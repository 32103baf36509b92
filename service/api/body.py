"""Reads a request body as JSON, once, with errors that name the field.

Invariant: what stood in the body is never quoted back.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from service.errors import InvalidRequest, invalid

Wire = TypeVar("Wire", bound=BaseModel)


def parse_object(raw: bytes) -> dict[str, Any]:
    """Read a JSON object. Raises ``InvalidRequest``."""
    if not raw.strip():
        raise InvalidRequest("the body is empty", code="empty_body")
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"the body is not JSON: {error.msg}", code="invalid_json") from error
    if not isinstance(value, dict):
        raise InvalidRequest("the body is not a JSON object", code="invalid_json")
    return value


def written(value: Mapping[str, Any]) -> bytes:
    """Write an object that was read here. Raises ``InvalidRequest`` where it is nested too deeply to be written."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise InvalidRequest("the body is nested too deeply", code="invalid_json") from error


def validated(model: type[Wire], value: dict[str, Any]) -> Wire:
    """Check an object against its wire type. Raises ``InvalidRequest``."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid(error) from error


async def read_body(request: Request, model: type[Wire]) -> Wire:
    """Read and check a whole body."""
    return validated(model, parse_object(await request.body()))
