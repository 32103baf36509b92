"""One timed chat completion over HTTP, and the model names that a gateway offers.

Invariant: a call's time runs from handing over the finished request to having read the last byte of the reply;
encoding before and parsing after it are not timed, and nothing is ever retried.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from types import TracebackType
from typing import Any, Self

import httpx

Message = Mapping[str, Any]
_ERROR_CHARS = 200


class CallFailure(Exception):
    """A call got no answer that can be measured: no connection, an error status, or a reply of another shape."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """What decides the tokens of one call."""

    temperature: float
    seed: int
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What one call, or several one after the other, cost; ``output_tokens`` counts hidden steps too."""

    seconds: float
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.seconds + other.seconds,
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """A measured answer; ``extension`` is the gateway's own object, empty where it sent none."""

    answer: str
    spent: Spent
    extension: Mapping[str, Any]


class Client:
    """Calls one gateway over kept-alive connections, without proxies of the environment."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=timeout_seconds, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def models(self) -> list[str]:
        """The names that the gateway lists. Raises ``CallFailure``."""
        content, _ = await self._timed(self._http.build_request("GET", "/v1/models"))
        try:
            return [str(row["id"]) for row in content["data"]]
        except (KeyError, TypeError) as error:
            raise CallFailure("/v1/models: not a list of models") from error

    async def chat(
        self, model: str, messages: Sequence[Message], sampling: Sampling, extra: Mapping[str, Any] | None = None
    ) -> Reply:
        """Ask for one whole answer; ``extra`` are further fields of the body. Raises ``CallFailure``."""
        body = {
            "model": model,
            "messages": list(messages),
            "temperature": sampling.temperature,
            "seed": sampling.seed,
            "max_tokens": sampling.max_tokens,
            **(extra or {}),
        }
        content, seconds = await self._timed(self._http.build_request("POST", "/v1/chat/completions", json=body))
        return read_reply(content, seconds)

    async def _timed(self, request: httpx.Request) -> tuple[dict[str, Any], float]:
        path = request.url.path
        started = perf_counter()
        try:
            response = await self._http.send(request)
        except httpx.HTTPError as error:
            raise CallFailure(f"{path}: {type(error).__name__}: {error}") from error
        seconds = perf_counter() - started
        if response.status_code != httpx.codes.OK:
            raise CallFailure(f"{path}: status {response.status_code}: {response.text[:_ERROR_CHARS]}")
        try:
            content = response.json()
        except ValueError as error:
            raise CallFailure(f"{path}: the reply is not JSON") from error
        if not isinstance(content, dict):
            raise CallFailure(f"{path}: the reply is not a JSON object")
        return content, seconds


def read_reply(content: Mapping[str, Any], seconds: float) -> Reply:
    """Read a chat completion; cached tokens are 0 where they are not reported. Raises ``CallFailure``."""
    try:
        answer = content["choices"][0]["message"]["content"]
        usage = content["usage"]
        cached_tokens = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        spent = Spent(seconds, int(usage["prompt_tokens"]), int(cached_tokens), int(usage["completion_tokens"]))
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise CallFailure("the reply is not a chat completion with usage") from error
    if not isinstance(answer, str):
        raise CallFailure("the reply has no text")
    extension = content.get("preceptor")
    return Reply(answer, spent, extension if isinstance(extension, Mapping) else {})
