"""Several small engines on the loopback, and a pool of ours before them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from models.clock import Timeouts
from models.engine import ChatRequest, Completion, Delta
from models.pool.breaker import BreakerState
from models.pool.engine import Patience, PooledEngine
from models.pool.fleet import Fleet
from models.pool.health import State
from models.pool.moves import Move
from models.pool.observer import Ended, Hedge
from models.pool.replica import Address, Replica
from models.vllm import VLLMEngine
from tests.models.scripted import Call, Handler, Server, serving, well

MODEL = "m"
Answer = Callable[["Small", Call], Awaitable[None]]


@dataclass
class Small:
    """One engine: how it answers, whether it is well, what it lists, and the chats that it was asked."""

    answer: Answer
    well: bool = True
    dead: bool = False
    models: Sequence[str] = (MODEL,)
    server: Server = field(default_factory=Server)
    asked: list[Call] = field(default_factory=list)
    chatted: asyncio.Event = field(default_factory=asyncio.Event)

    def handler(self, server: Server) -> Handler:
        self.server = server

        async def handle(call: Call) -> None:
            if self.dead:
                call.writer.close()
            elif call.path == "/health":
                await call.reply(200 if self.well else 503, {})
            elif call.path == "/v1/models":
                await call.reply(200, {"data": [{"id": name} for name in self.models]})
            else:
                self.asked.append(call)
                self.chatted.set()
                await self.answer(self, call)

        return handle


@dataclass
class Recorder:
    """An observer that remembers."""

    moves: list[Move] = field(default_factory=list)
    hedges: list[Hedge] = field(default_factory=list)
    ends: list[tuple[str, Ended]] = field(default_factory=list)
    opened: int = 0
    last_resorts: int = 0
    states: dict[str, tuple[State, BreakerState]] = field(default_factory=dict)

    def call_opened(self, engine: str) -> None:
        self.opened += 1

    def call_ended(self, engine: str, ended: Ended) -> None:
        self.ends.append((engine, ended))

    def moved(self, reason: Move) -> None:
        self.moves.append(reason)

    def hedged(self, result: Hedge) -> None:
        self.hedges.append(result)

    def last_resort(self) -> None:
        self.last_resorts += 1

    def state(self, engine: str, health: State, breaker: BreakerState) -> None:
        self.states[engine] = (health, breaker)


@dataclass
class Pool:
    """What a test sees of it."""

    engine: PooledEngine
    fleet: Fleet
    small: list[Small]
    told: Recorder

    def home(self, request: ChatRequest) -> tuple[Small, Small]:
        """The engine that the request's conversation belongs to, and the next one."""
        first, second, *_ = self.fleet.placement.order(self.engine._key(request), MODEL)
        return self.of(first), self.of(second)

    def of(self, replica: Replica) -> Small:
        return next(small for small in self.small if small.server.url == replica.url)

    def replica(self, small: Small) -> Replica:
        return next(replica for replica in self.fleet.replicas if replica.url == small.server.url)

    async def check(self, times: int = 1) -> None:
        for _ in range(times):
            for replica in self.fleet.replicas:
                await self.fleet.check(replica)


@asynccontextmanager
async def pooled(
    *small: Small,
    patience: Patience | None = None,
    timeouts: Timeouts | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Pool]:
    told = Recorder()
    async with AsyncExitStack() as stack:
        for one in small:
            await stack.enter_async_context(serving(one.handler))
        addresses = [Address(str(place), one.server.url) for place, one in enumerate(small)]
        fleet = Fleet(
            addresses,
            lambda url: VLLMEngine(url, "", timeouts=Timeouts(probe=0.3), retries=0),
            observer=told,
            clock=clock,
        )
        clients = {url: VLLMEngine(url, MODEL, timeouts=timeouts) for _, url in addresses}
        engine = PooledEngine(MODEL, fleet, clients, patience or Patience())
        pool = Pool(engine, fleet, list(small), told)
        try:
            await pool.check()
            yield pool
        finally:
            await engine.aclose()
            await fleet.aclose()
            assert told.opened == len(told.ends)
            assert all(replica.in_flight == 0 for replica in fleet.replicas)


async def answers(_: Small, call: Call) -> None:
    """Answer well, streaming or not."""
    if call.json().get("stream"):
        await call.open_stream()
        await call.events(
            {"choices": [{"delta": {"content": "we"}, "finish_reason": None}]},
            {"choices": [{"delta": {"content": "ll"}, "finish_reason": "stop"}]},
            "[DONE]",
        )
        await call.end_stream()
    else:
        await well(call)


async def fails(_: Small, call: Call) -> None:
    await call.reply(500, {"error": {"message": "broken", "type": "InternalServerError"}})


async def is_busy(_: Small, call: Call) -> None:
    await call.reply(429, {"error": {"message": "busy", "type": "RateLimit"}}, retry_after="7")


async def talks_nonsense(_: Small, call: Call) -> None:
    if call.json().get("stream"):
        await call.open_stream()
        await call.chunk(b"data: }{ oops\n\n")
        await call.end_stream()
    else:
        await call.reply(200, ["no object"])


async def hangs(small: Small, call: Call) -> None:
    await small.server.until_left(call)


def chat(text: str = "x", max_tokens: int | None = None) -> ChatRequest:
    return ChatRequest(messages=({"role": "user", "content": text},), max_tokens=max_tokens)


async def streamed(engine: PooledEngine, request: ChatRequest) -> list[Delta]:
    return [delta async for delta in engine.stream(request)]


async def text(engine: PooledEngine, request: ChatRequest, *, stream: bool) -> str:
    if stream:
        return "".join(delta.text for delta in await streamed(engine, request))
    answer: Completion = await engine.chat(request)
    return answer.text
