from dataclasses import FrozenInstanceError

import pytest

from models.engine import ChatRequest, EngineError, EngineRefused, EngineTimeout, EngineUnavailable


def test_requests_are_immutable() -> None:
    request = ChatRequest(messages=({"role": "user", "content": "x"},))
    with pytest.raises(FrozenInstanceError):
        request.max_tokens = 3  # type: ignore[misc]


def test_timeout_names_its_phase_and_limit() -> None:
    error = EngineTimeout("first_token", 1.5)
    assert (error.status, error.phase, str(error)) == (504, "first_token", "engine timed out (first_token, 1.5 s)")


def test_unavailable_keeps_when_to_come_back() -> None:
    error = EngineUnavailable("busy", status=429, retry_after=3.0)
    assert (error.status, error.type, error.retry_after) == (429, "engine_unavailable", 3.0)


def test_refusal_keeps_the_error_object() -> None:
    body = {"message": "too long", "type": "BadRequestError", "param": "input_tokens", "code": 400}
    error = EngineRefused("too long", status=400, type="BadRequestError", body=body)
    assert error.body is body
    assert isinstance(error, EngineError)
