"""One served model at several replicas, asked as one engine.

Invariant: all calls of a conversation go to one replica while that can be asked; a call that fails moves on until the
first byte of its answer has come, and never after it.
"""

from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace

from models.engine import ChatRequest, Completion, Delta, EngineError, ModelCard, Reply
from models.pool.affinity import key_of, key_of_body, parsed
from models.pool.fleet import Fleet
from models.pool.hedge import hedged
from models.pool.reply import PooledReply
from models.pool.route import Route
from models.vllm import VLLMEngine

_ONE_TOKEN = 1


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds: until a call without a first byte goes elsewhere, until a one-token call is sent twice (None: never).

    The first holds for streams and one-token calls; a longer answer in one piece says nothing while it is written.
    """

    first_byte_s: float = 20.0
    hedge_after_s: float | None = None


class PooledEngine:
    """An `Engine` over ``clients``, one for each replica's URL, which `aclose` closes."""

    def __init__(self, model: str, fleet: Fleet, clients: Mapping[str, VLLMEngine], patience: Patience) -> None:
        self._model = model
        self._fleet = fleet
        self._clients = clients
        self._patience = patience

    @property
    def model(self) -> str:
        """The served model's name."""
        return self._model

    async def chat(self, request: ChatRequest) -> Completion:
        """Answer in one piece; ``attempts`` counts the calls to every replica."""
        key = self._key(request)
        route = self._route(key, self._model)
        if request.max_tokens != _ONE_TOKEN or self._patience.hedge_after_s is None or self._fleet.placement.alone:
            return await self._answer(request, key, route)
        return await self._hedged(request, key, route, self._patience.hedge_after_s)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Answer as it is written. A stream that breaks before its first piece is begun anew elsewhere."""
        key, opened, earlier = self._key(request), False, 0
        route = self._route(key, self._model)
        while True:
            call = route.call()
            begun, attempts = False, 1
            try:
                with call:
                    async with aclosing(self._client(route).stream(request, retries=route.retries)) as deltas:
                        async with call.first_byte(route.patience(self._patience.first_byte_s)):
                            head = await anext(deltas)
                        attempts = head.attempts
                        if not opened:
                            opened = True
                            yield replace(head, attempts=earlier + attempts)
                        async with call.first_byte(None):
                            piece = await anext(deltas)
                        begun = True
                        call.answered()
                        self._fleet.placement.settled(key, route.replica)
                        yield replace(piece, engine=route.replica.name, attempts=earlier + attempts)
                        async for piece in deltas:
                            yield piece
                return
            except EngineError as error:
                if begun:
                    raise
                route.move_on(error)
                earlier += attempts

    async def models(self) -> tuple[ModelCard, ...]:
        """What the replicas that are up list, each model once. Raises `EngineUnavailable` where none is."""
        return await self._fleet.models()

    async def ready(self) -> bool:
        """Say whether a replica is up."""
        return await self._fleet.ready()

    async def forward(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Pass bytes through unread. An error status of one replica is passed on where no other can be asked."""
        alone = self._fleet.placement.alone
        asked = {} if alone else parsed(body)
        key = b"" if alone else key_of_body(asked, headers)
        model = asked.get("model")
        route = self._route(key, model if isinstance(model, str) else self._model)

        async def send() -> Reply:
            return await self._client(route).forward(method, path, body, headers, retries=route.retries)

        reply = PooledReply(route, send, lambda: self._fleet.placement.settled(key, route.replica))
        await reply.open(self._patience.first_byte_s if asked.get("stream") is True else None)
        return reply

    async def aclose(self) -> None:
        """Close every connection of this model's clients."""
        for client in self._clients.values():
            await client.aclose()

    def _key(self, request: ChatRequest) -> bytes:
        return b"" if self._fleet.placement.alone else key_of(request)

    def _route(self, key: bytes, model: str) -> Route:
        return Route(self._fleet.placement.order(key, model), self._fleet.observer)

    def _client(self, route: Route) -> VLLMEngine:
        return self._clients[route.replica.url]

    async def _answer(self, request: ChatRequest, key: bytes, route: Route) -> Completion:
        """Ask along the route until a replica answers. Raises `EngineError`."""
        patience_s = self._patience.first_byte_s if request.max_tokens == _ONE_TOKEN else None
        while True:
            call, earlier = route.call(), route.calls - 1
            try:
                with call:
                    async with call.first_byte(route.patience(patience_s)):
                        answer = await self._client(route).chat(request, retries=route.retries)
                    call.answered()
            except EngineError as error:
                route.move_on(error)
            else:
                self._fleet.placement.settled(key, route.replica)
                return replace(answer, attempts=answer.attempts + earlier, engine=route.replica.name)

    async def _hedged(self, request: ChatRequest, key: bytes, route: Route, after_s: float) -> Completion:
        """Ask a second replica too where the first is slow; the budget is told of both calls."""
        fleet, sent_twice = self._fleet, False
        fleet.allowance.earn()

        def second() -> Awaitable[Completion] | None:
            nonlocal sent_twice
            other = route.alternative
            if other is None or not fleet.allowance.take():
                return None
            sent_twice = True
            return self._answer(request, key, Route([other], fleet.observer))

        answer = await hedged(self._answer(request, key, route), second, after_s, fleet.observer.hedged)
        return replace(answer, attempts=answer.attempts + 1) if sent_twice else answer
