"""OpenAI's JSON to and from our types: request bodies, completions, stream chunks and error objects.

Invariant: pure functions; whatever an upstream sends becomes one of our types or one `EngineError`.
"""

import math
from collections.abc import Mapping
from typing import Any

import orjson

from models.engine import (
    ChatRequest,
    Completion,
    Delta,
    EngineError,
    EngineRefused,
    EngineUnavailable,
    ModelCard,
    Usage,
)

_ERROR_EXCERPT_CHARS = 200


def request_body(model: str, request: ChatRequest, *, stream: bool) -> bytes:
    """Write the body of a chat completion request."""
    named: dict[str, Any] = {
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "seed": request.seed,
        "stop": list(request.stop) or None,
        "priority": request.priority,
    }
    body: dict[str, Any] = {**request.extra, "model": model, "messages": request.messages}
    body |= {name: value for name, value in named.items() if value is not None}
    if request.top_logprobs is not None:
        body |= {"logprobs": True, "top_logprobs": request.top_logprobs}
    if request.json_schema is not None:
        schema = {"name": "answer", "strict": True, "schema": request.json_schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if request.choices is not None:
        body["structured_outputs"] = {"choice": list(request.choices)}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return orjson.dumps(body, default=dict)


def read_json(raw: bytes) -> dict[str, Any]:
    """Return the JSON object in `raw`. Raises `EngineUnavailable` when there is none."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise malformed("not JSON") from error
    if not isinstance(value, dict):
        raise malformed("not a JSON object")
    return value


def completion(value: Mapping[str, Any], *, ms: float, attempts: int) -> Completion:
    """Read a chat completion. Raises `EngineError` for an error object and for anything else."""
    _raise_error_object(value)
    try:
        choice = value["choices"][0]
        message = choice["message"]
        return Completion(
            text=message.get("content") or "",
            finish_reason=choice.get("finish_reason"),
            usage=_usage(value.get("usage")) or Usage(),
            logprobs=_first_alternatives(choice.get("logprobs")),
            reasoning=_reasoning(message),
            ms=ms,
            attempts=attempts,
        )
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise malformed("not a chat completion") from error


def delta(value: Mapping[str, Any]) -> Delta | None:
    """Read one chunk of a stream; None when it says nothing. Raises `EngineError` as `completion` does."""
    _raise_error_object(value)
    try:
        usage = _usage(value.get("usage"))
        choice = next(iter(value["choices"]), None)
        if choice is None:
            return None if usage is None else Delta(usage=usage)
        piece = choice["delta"]
        text, reasoning = piece.get("content") or "", _reasoning(piece)
        finish_reason = choice.get("finish_reason")
    except (KeyError, TypeError, AttributeError) as error:
        raise malformed("not a chunk of a chat completion") from error
    if not (text or reasoning or finish_reason or usage):
        return None
    return Delta(text, finish_reason, usage, reasoning)


def model_cards(value: Mapping[str, Any]) -> tuple[ModelCard, ...]:
    """Read a list of models. Raises `EngineUnavailable` when it is none."""
    try:
        return tuple(ModelCard(str(row["id"]), row.get("max_model_len")) for row in value["data"])
    except (KeyError, TypeError, AttributeError) as error:
        raise malformed("not a list of models") from error


def error_from(status: int, raw: bytes, retry_after: float | None = None) -> EngineError:
    """Turn an error reply into an exception: 4xx is a refusal, but 408, 429 and 5xx are the engine's own trouble."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        value = raw.decode("utf-8", errors="replace")[:_ERROR_EXCERPT_CHARS]
    found = _error_object(value) or {"message": f"engine answered {status}", "type": "engine_error"}
    return _error(status, found, retry_after)


def malformed(what: str) -> EngineUnavailable:
    """The exception for an upstream that does not speak the protocol."""
    return EngineUnavailable(f"engine sent a malformed answer: {what}", status=502, type="engine_malformed")


def _error(status: int, found: Mapping[str, Any], retry_after: float | None) -> EngineError:
    message = str(found.get("message") or f"engine answered {status}")
    kind = str(found.get("type") or "engine_error")
    if 400 <= status < 500 and status not in (408, 429):
        return EngineRefused(message, status=status, type=kind, body=found)
    told = status if status in (429, 503) else 502
    return EngineUnavailable(message, status=told, type=kind, retry_after=retry_after)


def _error_object(value: object) -> dict[str, Any] | None:
    """Find the error in vLLM's nested or flat shape, FastAPI's `detail`, or a bare string."""
    if isinstance(value, str) and value.strip():
        return {"message": value.strip(), "type": "engine_error", "param": None, "code": None}
    if not isinstance(value, dict):
        return None
    if value.get("error"):
        return _error_object(value["error"])
    if value.get("object") == "error" or ("message" in value and "choices" not in value):
        return {name: value.get(name) for name in ("message", "type", "param", "code")}
    return _error_object(str(value["detail"])) if value.get("detail") else None


def _raise_error_object(value: Mapping[str, Any]) -> None:
    found = _error_object(value) if "choices" not in value else None
    if found is not None:
        code = found.get("code")
        raise _error(code if isinstance(code, int) and 400 <= code < 600 else 502, found, None)


def _usage(value: Mapping[str, Any] | None) -> Usage | None:
    if not value:
        return None
    cached = (value.get("prompt_tokens_details") or {}).get("cached_tokens")
    return Usage(value.get("prompt_tokens") or 0, value.get("completion_tokens") or 0, cached or 0)


def _reasoning(message: Mapping[str, Any]) -> str:
    """Engines name the field either way; vLLM has moved from the second to the first."""
    return message.get("reasoning") or message.get("reasoning_content") or ""


def _first_alternatives(value: Mapping[str, Any] | None) -> dict[str, float] | None:
    """The alternatives for the first token. Distinct tokens may have one text (special ones have none): they add up."""
    tokens = (value or {}).get("content") or ()
    if not tokens:
        return None
    found: dict[str, float] = {}
    for row in tokens[0].get("top_logprobs") or tokens[:1]:
        text, logprob = row["token"], float(row["logprob"])
        found[text] = _log_add(found[text], logprob) if text in found else logprob
    return found


def _log_add(a: float, b: float) -> float:
    high, low = max(a, b), min(a, b)
    return high + math.log1p(math.exp(low - high)) if high > -math.inf else high
