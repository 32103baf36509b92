"""A client for vLLM, or any OpenAI-compatible server, over HTTP.

Invariant: a call is retried only while no byte of its answer has come, and leaving a call by any way closes its
connection, which is what makes vLLM abort the request.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping
from contextlib import aclosing, suppress
from time import perf_counter
from typing import TypeVar

import httpx

from models import wire
from models.clock import CallClock, Timeouts
from models.engine import (
    ChatRequest,
    Completion,
    Delta,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    ModelCard,
    Reply,
)
from models.sse import EventDecoder, EventTooLong

_RETRIED_STATUSES = frozenset({429, 502, 503})
_PASSED_ON = frozenset({"accept", "content-type", "traceparent", "tracestate", "x-request-id", "x-session-id"})
_PASSED_BACK = frozenset({"content-type", "content-encoding", "retry-after"})
_BACKOFF_SECONDS = 0.1
_BACKOFF_CAP_SECONDS = 2.0
_DRAIN_SECONDS = 0.25
# Shorter than the 5 s after which uvicorn, and so vLLM, closes an idle connection under us.
_KEEPALIVE_SECONDS = 4.0
_CHAT_PATH = "/v1/chat/completions"
_DONE = b"[DONE]"

T = TypeVar("T")


class VLLMEngine:
    """One model at one base URL (with or without `/v1`), over a pool of at most `connections` connections."""

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        timeouts: Timeouts | None = None,
        retries: int = 2,
        connections: int = 256,
        api_key: str | None = None,
    ) -> None:
        self._model = model
        self._timeouts = timeouts or Timeouts()
        self._retries = retries
        connect = self._timeouts.connect
        self._client = httpx.AsyncClient(
            base_url=base_url.rstrip("/").removesuffix("/v1"),
            headers={"accept-encoding": "identity"} | ({"authorization": f"Bearer {api_key}"} if api_key else {}),
            timeout=httpx.Timeout(None, connect=connect, pool=connect),
            limits=httpx.Limits(
                max_connections=connections,
                max_keepalive_connections=connections,
                keepalive_expiry=_KEEPALIVE_SECONDS,
            ),
            trust_env=False,
        )

    @property
    def model(self) -> str:
        """The served model's name."""
        return self._model

    async def chat(self, request: ChatRequest) -> Completion:
        """Answer in one piece, within `Timeouts.total`."""
        started = perf_counter()
        body = wire.request_body(self._model, request, stream=False)
        raw, attempts = await self._read("POST", _CHAT_PATH, body, request.headers, self._timeouts.total)
        return wire.completion(wire.read_json(raw), ms=(perf_counter() - started) * 1000, attempts=attempts)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Answer as it is written, within every limit of `Timeouts`."""
        limits = self._timeouts
        clock = CallClock(limits.first_token, limits.between_tokens, limits.total)
        body = wire.request_body(self._model, request, stream=True)
        response, _ = await clock.wait(self._open("POST", _CHAT_PATH, body, request.headers))
        try:
            await _raise_for_status(response, clock)
            finished = False
            async with aclosing(_events(response, clock)) as events:
                async for data in events:
                    piece = wire.delta(wire.read_json(data))
                    if piece is not None:
                        finished = finished or piece.finish_reason is not None
                        yield piece
            if not finished:
                raise EngineUnavailable("engine ended the stream early", status=502, type="engine_cut_off")
        finally:
            await response.aclose()

    async def models(self) -> tuple[ModelCard, ...]:
        """What the server lists, within `Timeouts.probe`."""
        raw, _ = await self._read("GET", "/v1/models", b"", {}, self._timeouts.probe)
        return wire.model_cards(wire.read_json(raw))

    async def ready(self) -> bool:
        """Ask vLLM's `/health` once; a server that has none is ready when it lists its models."""
        try:
            async with asyncio.timeout(self._timeouts.probe):
                response = await self._client.get("/health")
            if response.status_code != httpx.codes.NOT_FOUND:
                return response.is_success
            return bool(await self.models())
        except (TimeoutError, httpx.HTTPError, EngineError):
            return False

    async def forward(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Pass bytes through unread, with the few headers that concern the engine."""
        limits = self._timeouts
        clock = CallClock(limits.total, limits.between_tokens, limits.total)
        passed = {name.lower(): value for name, value in headers.items() if name.lower() in _PASSED_ON}
        response, _ = await clock.wait(self._open(method, path, body, passed))
        return _HttpReply(response, clock)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def _read(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], limit: float
    ) -> tuple[bytes, int]:
        """Return the whole body of a successful reply, and how many calls it took."""
        clock = CallClock(limit, limit, limit)
        response, attempts = await clock.wait(self._open(method, path, body, headers))
        try:
            await _raise_for_status(response, clock)
            return await _guarded(clock.wait(response.aread())), attempts
        finally:
            await response.aclose()

    async def _open(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[httpx.Response, int]:
        """Send until a reply's head comes that is not to be retried, or the retries are used up."""
        sent_headers = {"content-type": "application/json", **headers}
        for attempt in range(1, self._retries + 2):
            request = self._client.build_request(method, path, content=body, headers=sent_headers)
            pause = random.uniform(0.5, 1.0) * _BACKOFF_SECONDS * 2 ** (attempt - 1)
            try:
                response = await self._client.send(request, stream=True)
            except httpx.PoolTimeout as error:
                raise EngineUnavailable("no free connection to the engine", type="engine_pool_exhausted") from error
            except httpx.TransportError as error:
                if attempt > self._retries:
                    raise _lost(error, self._timeouts.connect) from error
            else:
                if attempt > self._retries or not _worth_retrying(response):
                    return response, attempt
                pause = max(pause, _retry_after(response) or 0.0)
                await response.aclose()
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")


class _HttpReply:
    """A reply of the engine over HTTP."""

    def __init__(self, response: httpx.Response, clock: CallClock) -> None:
        self._response = response
        self._clock = clock

    @property
    def status(self) -> int:
        return self._response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        return {name: value for name, value in self._response.headers.items() if name in _PASSED_BACK}

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        source = self._response.aiter_raw()
        try:
            while (piece := await _guarded(self._clock.wait(anext(source, None)))) is not None:
                yield piece
                self._clock.heard()
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        await self._response.aclose()


async def _events(response: httpx.Response, clock: CallClock) -> AsyncGenerator[bytes, None]:
    """The data of each event until `[DONE]` or the end. Comments do not count as a sign of life."""
    decoder = EventDecoder()
    source = response.aiter_bytes()
    while True:
        piece = await _guarded(clock.wait(anext(source, None)))
        try:
            events = decoder.flush() if piece is None else decoder.feed(piece)
        except EventTooLong as error:
            raise wire.malformed(str(error)) from error
        for data in events:
            if data == _DONE:
                await _drain(source)
                return
            yield data
        if piece is None:
            return
        if events:
            clock.heard()


async def _drain(source: AsyncIterator[bytes]) -> None:
    """Read the end of the body after `[DONE]`, so that the connection can be used again."""
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in source:
                pass


async def _guarded(read: Awaitable[T]) -> T:
    """Await a read of a body that has begun."""
    try:
        return await read
    except httpx.HTTPError as error:
        raise EngineUnavailable("engine went away while answering", status=502, type="engine_cut_off") from error


async def _raise_for_status(response: httpx.Response, clock: CallClock) -> None:
    if response.is_success:
        return
    raw = await _guarded(clock.wait(response.aread()))
    raise wire.error_from(response.status_code, raw, _retry_after(response))


def _worth_retrying(response: httpx.Response) -> bool:
    return response.status_code in _RETRIED_STATUSES and (_retry_after(response) or 0.0) <= _BACKOFF_CAP_SECONDS


def _retry_after(response: httpx.Response) -> float | None:
    """The header in seconds; its date form is not used by engines."""
    try:
        return max(0.0, float(response.headers["retry-after"]))
    except (KeyError, ValueError):
        return None


def _lost(error: httpx.TransportError, connect_seconds: float) -> EngineError:
    if isinstance(error, httpx.ConnectTimeout):
        return EngineTimeout("connect", connect_seconds)
    return EngineUnavailable("engine cannot be reached")
