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
_ERROR_CHARS = 4000
_MAX_ERROR_DEPTH = 4
_MAX_TOKENS = 2**53
# Rounding lifts a certain token a little above 0; more than this is no log-probability.
_ROUNDING = 1e-3


def request_body(model: str, request: ChatRequest, *, stream: bool) -> bytes:
    """Write the body of a chat completion request. Raises `EngineRefused` (400) for what JSON cannot hold.

    That is nesting beyond orjson's 254 levels, an integer beyond 64 bits, a lone surrogate.
    """
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
    try:
        return orjson.dumps(body, default=dict)
    except orjson.JSONEncodeError as error:
        message = f"the request cannot be written as JSON: {error}"
        found = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
        raise EngineRefused(message, status=400, type="invalid_request_error", body=found) from error


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
            text=_text(message.get("content")) or "",
            finish_reason=_text(choice.get("finish_reason")),
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
        choices = _list(value["choices"])
        if not choices:
            return None if usage is None else Delta(usage=usage)
        choice = choices[0]
        piece = choice["delta"] or {}
        text, reasoning = _text(piece.get("content")) or "", _reasoning(piece)
        finish_reason = _text(choice.get("finish_reason"))
    except (KeyError, TypeError, AttributeError) as error:
        raise malformed("not a chunk of a chat completion") from error
    if not (text or reasoning or finish_reason or usage):
        return None
    return Delta(text, finish_reason, usage, reasoning)


def model_cards(value: Mapping[str, Any]) -> tuple[ModelCard, ...]:
    """Read a list of models. Raises `EngineUnavailable` when it is none."""
    try:
        return tuple(_model_card(row) for row in _list(value["data"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise malformed("not a list of models") from error


def error_from(status: int, raw: bytes, retry_after: float | None = None) -> EngineError:
    """Turn an error reply into an exception: 4xx is a refusal, but 408, 429 and 5xx are the engine's own trouble."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        value = raw[: 4 * _ERROR_EXCERPT_CHARS].decode("utf-8", errors="replace")[:_ERROR_EXCERPT_CHARS]
    unread = {"message": f"engine answered {status}", "type": "engine_error", "param": None, "code": None}
    found = _error_object(value) or unread
    return _error(status, found, retry_after)


def usage_in(raw: bytes) -> Usage | None:
    """The usage that an answer, or an event of one, tells of; None where it tells of none that can be read."""
    try:
        value = orjson.loads(raw)
        return _usage(value.get("usage")) if isinstance(value, dict) else None
    except (orjson.JSONDecodeError, TypeError, AttributeError):
        return None


def malformed(what: str) -> EngineUnavailable:
    """The exception for an upstream that does not speak the protocol."""
    return EngineUnavailable(f"engine sent a malformed answer: {what}", status=502, type="engine_malformed")


def _error(status: int, found: Mapping[str, Any], retry_after: float | None) -> EngineError:
    message = str(found.get("message") or f"engine answered {status}")
    kind = str(found.get("type") or "engine_error")
    if 400 <= status < 500 and status not in (408, 429):
        return EngineRefused(message, status=status, type=kind, body=found)
    # What an engine says of its own trouble may quote the prompt, and is nothing to its client.
    told = status if status in (429, 503) else 502
    wait = retry_after if retry_after is not None and math.isfinite(retry_after) else None
    error = EngineUnavailable(f"engine answered {status}", status=told, type="engine_error", retry_after=wait)
    error.detail = message
    return error


def _error_object(value: object) -> dict[str, Any] | None:
    """Find the error in vLLM's nested or flat shape, FastAPI's `detail`, or a bare string."""
    for _ in range(_MAX_ERROR_DEPTH):
        if not isinstance(value, dict) or not value.get("error"):
            break
        value = value["error"]
    if isinstance(value, str) and value.strip():
        return {"message": value.strip()[:_ERROR_CHARS], "type": "engine_error", "param": None, "code": None}
    if not isinstance(value, dict):
        return None
    if value.get("object") == "error" or ("message" in value and "choices" not in value):
        return {name: _flat(value.get(name)) for name in ("message", "type", "param", "code")}
    return _error_object(_flat(value["detail"])) if value.get("detail") else None


def _flat(value: object) -> str | int | float | None:
    """Keep a plain value; write any other as JSON, so that an error can be handed on whatever an engine put into it."""
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return value[:_ERROR_CHARS]
    try:
        return orjson.dumps(value).decode()[:_ERROR_CHARS]
    except orjson.JSONEncodeError:
        return "an error that cannot be shown"


def _raise_error_object(value: Mapping[str, Any]) -> None:
    found = _error_object(value) if "choices" not in value else None
    if found is not None:
        code = found.get("code")
        raise _error(code if isinstance(code, int) and 400 <= code < 600 else 502, found, None)


def _model_card(row: Mapping[str, Any]) -> ModelCard:
    length = row.get("max_model_len")
    return ModelCard(_required_text(row["id"]), None if length is None else _tokens(length))


def _usage(value: Mapping[str, Any] | None) -> Usage | None:
    if not value:
        return None
    prompt, completed = _tokens(value.get("prompt_tokens")), _tokens(value.get("completion_tokens"))
    cached = _tokens((value.get("prompt_tokens_details") or {}).get("cached_tokens"))
    return Usage(prompt, completed, min(cached, prompt))


def _tokens(value: object) -> int:
    """A count of tokens; JavaScript servers write whole numbers as floats."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MAX_TOKENS or value % 1:
        raise TypeError("not a count of tokens")
    return int(value)


def _text(value: object) -> str | None:
    return None if value is None else _required_text(value)


def _required_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value


def _reasoning(message: Mapping[str, Any]) -> str:
    """Engines name the field either way; vLLM has moved from the second to the first."""
    return _text(message.get("reasoning")) or _text(message.get("reasoning_content")) or ""


def _first_alternatives(value: Mapping[str, Any] | None) -> dict[str, float] | None:
    """The alternatives for the first token. Distinct tokens may have one text (special ones have none): they add up."""
    tokens = _list((value or {}).get("content") or [])
    if not tokens:
        return None
    found: dict[str, float] = {}
    for row in _list(tokens[0].get("top_logprobs") or tokens[:1]):
        text, logprob = _required_text(row["token"]), _logprob(row["logprob"])
        found[text] = _log_add(found[text], logprob) if text in found else logprob
    return found


def _logprob(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value <= _ROUNDING:
        raise TypeError("not a log-probability")
    return min(float(value), 0.0)


def _log_add(a: float, b: float) -> float:
    high, low = max(a, b), min(a, b)
    return min(high + math.log1p(math.exp(low - high)), 0.0) if high > -math.inf else high
