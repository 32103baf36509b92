"""A client for vLLM, or any OpenAI-compatible server, over HTTP.

Invariant: a call is retried only while no byte of its answer has come, and leaving a call by any way closes its
connection, which is what makes vLLM abort the request.
"""

import asyncio
import math
import random
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing, suppress
from time import perf_counter
from typing import TypeVar

import aiohttp
from yarl import URL

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
from models.lasting import lasting_connector
from models.sse import EventDecoder, EventTooLong

_RETRIED_STATUSES = frozenset({429, 502, 503})
_PASSED_ON = frozenset(
    {"accept", "content-type", "traceparent", "tracestate", "x-data-parallel-rank", "x-request-id", "x-session-id"}
)
_PASSED_BACK = frozenset({"content-type", "content-encoding", "retry-after"})
_BACKOFF_SECONDS = 0.1
_BACKOFF_CAP_SECONDS = 2.0
_DRAIN_SECONDS = 0.25
_CHAT_PATH = "/v1/chat/completions"
_DONE = b"[DONE]"
_NOT_FOUND = 404

T = TypeVar("T")


class VLLMEngine:
    """One model at one base URL (with or without `/v1`), over a pool of at most `connections` connections.

    To be made where an event loop runs. aiohttp and not httpx: a call costs it a quarter of the CPU time.
    """

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
        self._base = base_url.rstrip("/").removesuffix("/v1")
        self._timeouts = timeouts or Timeouts()
        self._retries = retries
        self._slots = asyncio.Semaphore(connections)
        self._random = random.Random()
        self._session = aiohttp.ClientSession(
            connector=lasting_connector(self._timeouts.between_tokens),
            headers={"accept-encoding": "identity"} | ({"authorization": f"Bearer {api_key}"} if api_key else {}),
            skip_auto_headers=("user-agent",),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._timeouts.connect),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    @property
    def model(self) -> str:
        """The served model's name."""
        return self._model

    async def chat(self, request: ChatRequest, *, retries: int | None = None) -> Completion:
        """Answer in one piece, within `Timeouts.total`; ``retries`` in the place of the client's own."""
        started = perf_counter()
        body = wire.request_body(self._model, request, stream=False)
        raw, attempts = await self._read("POST", _CHAT_PATH, body, request.headers, self._timeouts.total, retries)
        return wire.completion(wire.read_json(raw), ms=(perf_counter() - started) * 1000, attempts=attempts)

    async def stream(self, request: ChatRequest, *, retries: int | None = None) -> AsyncGenerator[Delta, None]:
        """Answer as it is written, within every limit of `Timeouts`."""
        limits = self._timeouts
        clock = CallClock(limits.first_token, limits.between_tokens, limits.total)
        body = wire.request_body(self._model, request, stream=True)
        call = await clock.wait(self._open("POST", _CHAT_PATH, body, request.headers, retries))
        try:
            await _raise_for_status(call, clock)
            yield Delta(attempts=call.attempts)
            finished = False
            async with aclosing(_events(call, clock)) as events:
                async for data in events:
                    piece = wire.delta(wire.read_json(data))
                    if piece is not None:
                        finished = finished or piece.finish_reason is not None
                        yield piece
            if not finished:
                raise EngineUnavailable("engine ended the stream early", status=502, type="engine_cut_off")
        finally:
            call.close()

    async def models(self) -> tuple[ModelCard, ...]:
        """What the server lists, within `Timeouts.probe`."""
        raw, _ = await self._read("GET", "/v1/models", b"", {}, self._timeouts.probe)
        return wire.model_cards(wire.read_json(raw))

    async def ready(self) -> bool:
        """Ask vLLM's `/health` once; a server that has none is ready when it lists its models."""
        try:
            async with (
                asyncio.timeout(self._timeouts.probe),
                self._session.get(self._url("/health"), allow_redirects=False) as response,
            ):
                if response.status != _NOT_FOUND:
                    return response.ok
            return bool(await self.models())
        except (TimeoutError, aiohttp.ClientError, EngineError):
            return False

    async def forward(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], *, retries: int | None = None
    ) -> Reply:
        """Pass bytes through unread, with the few headers that concern the engine; only silence is limited."""
        limits = self._timeouts
        clock = CallClock(limits.total, limits.between_tokens, math.inf)
        passed = {name: value for name, value in headers.items() if name.lower() in _PASSED_ON}
        return _HttpReply(await clock.wait(self._open(method, path, body, passed, retries)), clock)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def _read(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], limit: float, retries: int | None = None
    ) -> tuple[bytes, int]:
        """Return the whole body of a successful reply, and how many calls it took."""
        clock = CallClock(limit, limit, limit)
        call = await clock.wait(self._open(method, path, body, headers, retries))
        try:
            await _raise_for_status(call, clock)
            return await _guarded(clock.wait(call.response.read())), call.attempts
        finally:
            call.close()

    async def _open(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], retries: int | None
    ) -> "_Call":
        """Take a slot, then send until a reply's head comes that is not to be retried, or the retries are used up."""
        try:
            async with asyncio.timeout(self._timeouts.connect):
                await self._slots.acquire()
        except TimeoutError as error:
            raise EngineUnavailable("no free connection to the engine", type="engine_pool_exhausted") from error
        try:
            return await self._sent(method, path, body, headers, self._retries if retries is None else retries)
        except BaseException:
            self._slots.release()
            raise

    async def _sent(self, method: str, path: str, body: bytes, headers: Mapping[str, str], retries: int) -> "_Call":
        sent_headers = {"content-type": "application/json", **headers}
        for attempt in range(1, retries + 2):
            pause = 0.0
            try:
                response = await self._session.request(
                    method, self._url(path), data=body, headers=sent_headers, allow_redirects=False
                )
            except aiohttp.ConnectionTimeoutError as error:
                raise EngineTimeout("connect", self._timeouts.connect) from error
            except aiohttp.ClientError as error:
                if attempt > retries:
                    raise EngineUnavailable("engine cannot be reached") from error
            else:
                if attempt > retries or not _worth_retrying(response):
                    return _Call(response, attempt, self._slots)
                pause = _retry_after(response) or 0.0
                response.close()
            backoff = self._random.uniform(0.5, 1.0) * _BACKOFF_SECONDS * 2 ** (attempt - 1)
            await asyncio.sleep(max(pause, backoff))
        raise AssertionError("the last attempt returns or raises")

    def _url(self, path: str) -> URL:
        return URL(f"{self._base}{path}", encoded=True)


class _Call:
    """A reply whose head has come; closing it frees its slot and, where it was not read to its end, aborts it."""

    def __init__(self, response: aiohttp.ClientResponse, attempts: int, slots: asyncio.Semaphore) -> None:
        self.response = response
        self.attempts = attempts
        self._slots: asyncio.Semaphore | None = slots

    def close(self) -> None:
        slots, self._slots = self._slots, None
        if slots is not None:
            self.response.close()
            slots.release()


class _HttpReply:
    """A reply of the engine over HTTP."""

    engine = ""

    def __init__(self, call: _Call, clock: CallClock) -> None:
        self._call = call
        self._clock = clock

    @property
    def status(self) -> int:
        return self._call.response.status

    @property
    def headers(self) -> Mapping[str, str]:
        found = self._call.response.headers
        return {name: found[name] for name in _PASSED_BACK if name in found}

    async def read(self) -> bytes:
        try:
            return await _guarded(self._clock.wait(self._call.response.read()))
        finally:
            self._call.close()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        try:
            while piece := await _guarded(self._clock.wait(self._call.response.content.readany())):
                yield piece
                self._clock.heard()
        finally:
            self._call.close()

    async def aclose(self) -> None:
        self._call.close()


async def _events(call: _Call, clock: CallClock) -> AsyncGenerator[bytes, None]:
    """The data of each event until `[DONE]` or the end. Comments do not count as a sign of life."""
    decoder = EventDecoder()
    content = call.response.content
    while True:
        piece = await _guarded(clock.wait(content.readany()))
        try:
            events = decoder.feed(piece) if piece else decoder.flush()
        except EventTooLong as error:
            raise wire.malformed(str(error)) from error
        for data in events:
            if data == _DONE:
                await _drain(content)
                return
            yield data
        if not piece:
            return
        if events:
            clock.heard()


async def _drain(content: aiohttp.StreamReader) -> None:
    """Read the end of the body after `[DONE]`, so that the connection can be used again."""
    with suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while not content.at_eof():
                await content.readany()


async def _guarded(read: Awaitable[T]) -> T:
    try:
        return await read
    except aiohttp.ClientError as error:
        raise EngineUnavailable("engine went away while answering", status=502, type="engine_cut_off") from error


async def _raise_for_status(call: _Call, clock: CallClock) -> None:
    if call.response.ok:
        return
    raw = await _guarded(clock.wait(call.response.read()))
    raise wire.error_from(call.response.status, raw, _retry_after(call.response))


def _worth_retrying(response: aiohttp.ClientResponse) -> bool:
    return response.status in _RETRIED_STATUSES and (_retry_after(response) or 0.0) <= _BACKOFF_CAP_SECONDS


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    """The header in seconds; its date form is not used by engines."""
    try:
        return max(0.0, float(response.headers["retry-after"]))
    except (KeyError, ValueError):
        return None
