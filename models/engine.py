"""What the rest of the house asks of a language model, whoever serves it.

Invariant: requests and answers are immutable plain data without HTTP in them, and a call ends in a `Completion`, in the
end of its stream, or in one `EngineError`.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Message = Mapping[str, Any]
TimeoutPhase = Literal["connect", "first_token", "between_tokens", "total"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One chat completion. What is None or empty is left to the engine.

    `top_logprobs` asks for log-probabilities with that many alternatives. `json_schema` and `choices` constrain the
    answer. A lower `priority` is served earlier, where the engine schedules by priority. `extra` holds further fields
    of the OpenAI request, which never override the named ones. `headers` go along: request id, traceparent.
    """

    messages: tuple[Message, ...]
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    top_logprobs: int | None = None
    json_schema: Mapping[str, Any] | None = None
    choices: tuple[str, ...] | None = None
    priority: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call; `cached_tokens` is the part of the prompt that the prefix cache already held."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A whole answer.

    `logprobs` maps the alternatives for the first token to their log-probability, None when the engine gave none.
    `ms` is the time from sending to the last byte, retries included; `attempts` counts the calls that it took.
    `engine` is the configured name of the one that answered, where there are names.
    """

    text: str
    finish_reason: str | None
    usage: Usage
    logprobs: Mapping[str, float] | None = None
    reasoning: str = ""
    ms: float = 0.0
    attempts: int = 1
    engine: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a streamed answer; the last ones carry `finish_reason` and `usage`, the first the engine's name.

    `attempts` counts the calls that the stream has taken so far, where this delta tells of them: the greatest holds.
    """

    text: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
    reasoning: str = ""
    engine: str = ""
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model that an engine serves; `max_model_len` in tokens, None when the engine does not tell."""

    id: str
    max_model_len: int | None = None


class Reply(Protocol):
    """An engine's HTTP reply whose body has not been read."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers that concern the body, lower case."""

    @property
    def engine(self) -> str:
        """The configured name of the engine whose reply it is, where there are names."""

    async def read(self) -> bytes:
        """The whole body; cancelling closes the engine's call."""

    def pieces(self) -> AsyncGenerator[bytes, None]:
        """The body as it arrives; closing the generator closes the engine's call."""

    async def aclose(self) -> None:
        """Close the engine's call without reading on."""


class Engine(Protocol):
    """One served model. Every method raises `EngineError`; cancelling a call aborts it at the engine at once."""

    @property
    def model(self) -> str:
        """The served model's name."""

    async def chat(self, request: ChatRequest) -> Completion:
        """Answer in one piece."""

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Answer as it is written; closing the generator aborts the call at the engine.

        The first delta is empty: it says that the engine has taken the request on, and after how many attempts.
        """

    async def models(self) -> tuple[ModelCard, ...]:
        """What the engine serves."""

    async def ready(self) -> bool:
        """Say whether the engine would answer now; never raises."""

    async def forward(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Pass bytes through unread; an error status of the engine comes back as a reply, not as an exception."""

    async def aclose(self) -> None:
        """Give back the connections."""


class EngineError(Exception):
    """A call to the engine failed. `status` is the HTTP status to tell a client, `retry_after` is in seconds.

    `detail` is for whoever runs the engine: its own words, where it had any. They may quote a prompt. `engine` is the
    configured name of the engine that failed last, where there are names.
    """

    def __init__(
        self, message: str, *, status: int = 502, type: str = "engine_error", retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.detail = message
        self.status = status
        self.type = type
        self.retry_after = retry_after
        self.engine = ""


class EngineUnavailable(EngineError):
    """The engine is away, overloaded, broken, or does not speak the protocol."""

    def __init__(
        self, message: str, *, status: int = 503, type: str = "engine_unavailable", retry_after: float | None = None
    ) -> None:
        super().__init__(message, status=status, type=type, retry_after=retry_after)


class EngineTimeout(EngineError):
    """The engine kept silent beyond a limit; `phase` says which."""

    def __init__(self, phase: TimeoutPhase, limit_seconds: float) -> None:
        super().__init__(f"engine timed out ({phase}, {limit_seconds:g} s)", status=504, type="engine_timeout")
        self.phase = phase


class EngineRefused(EngineError):
    """The engine refused the request itself (4xx); `body` is its OpenAI error object, to be handed on unchanged."""

    def __init__(self, message: str, *, status: int, type: str, body: Mapping[str, Any]) -> None:
        super().__init__(message, status=status, type=type)
        self.body = body
