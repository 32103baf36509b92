"""So many users at a time, each in one conversation after the other, every turn on a connection of its own.

Invariant: a turn that fails ends its conversation; nothing is retried.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter

import orjson

from loadtest.cluster.conversations import Conversation
from loadtest.connection import Address, Connection, ConnectionFailure, RawReply, chat_request

TURN_TIMEOUT_SECONDS = 120.0
ANSWERED, CUT_OFF, TIMEOUT, MALFORMED = "answered", "cut_off", "timeout", "malformed"


@dataclass(frozen=True, slots=True)
class Turn:
    """What became of one turn; ``started`` in seconds from the run's start; tokens are those of ``usage``."""

    request_id: str
    started: float
    seconds: float
    end: str
    outcome: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0


class Users:
    """Users that talk until they are told to ``stop``, each to the end of the turn that it is in."""

    def __init__(self, address: Address, numbered: Iterator[Conversation], told: Callable[[Turn], None]) -> None:
        self._address = address
        self._numbered = numbered
        self._told = told
        self._stopped = asyncio.Event()
        self._started = perf_counter()

    def stop(self) -> None:
        """Begin no more turns."""
        self._stopped.set()

    async def talk(self, users: int, *, apart: bool, started: float) -> None:
        """Talk with so many users at a time; ``started`` is the run's start on ``perf_counter``."""
        self._started = started
        async with asyncio.TaskGroup() as group:
            for _ in range(users):
                group.create_task(self._user(apart))

    async def _user(self, apart: bool) -> None:
        while not self._stopped.is_set():
            await self._converse(next(self._numbered), apart)

    async def _converse(self, conversation: Conversation, apart: bool) -> None:
        answers: list[str] = []
        for number, thought in enumerate(conversation.thoughts):
            if await self._stops_within(thought):
                return
            turn, answer = await self._turn(conversation, number, answers, apart)
            self._told(turn)
            if turn.end != ANSWERED:
                return
            answers.append(answer)

    async def _stops_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._stopped.wait()
        except TimeoutError:
            return False

    async def _turn(self, conversation: Conversation, number: int, answers: list[str], apart: bool) -> tuple[Turn, str]:
        identity, began = conversation.request_id(number), perf_counter()
        headers = conversation.headers(number, apart=apart)
        content = chat_request(self._address, conversation.body(number, answers), headers=headers)
        try:
            async with asyncio.timeout(TURN_TIMEOUT_SECONDS):
                reply = await self._exchange(content)
        except (ConnectionFailure, TimeoutError) as error:
            end = TIMEOUT if isinstance(error, TimeoutError) else CUT_OFF
            return Turn(identity, began - self._started, perf_counter() - began, end), ""
        return read(identity, began - self._started, reply.ended - began, reply)

    async def _exchange(self, content: bytes) -> RawReply:
        connection = await Connection.to(self._address)
        try:
            return await connection.ask(content)
        finally:
            connection.close()


def read(identity: str, started: float, seconds: float, reply: RawReply) -> tuple[Turn, str]:
    """The turn that a reply ended, and the answer in it."""
    if reply.status != 200:
        return Turn(identity, started, seconds, f"status_{reply.status}", reply.outcome), ""
    try:
        content = orjson.loads(reply.body)
        answer, usage = content["choices"][0]["message"]["content"], content["usage"]
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        turn = Turn(identity, started, seconds, ANSWERED, reply.outcome, usage["prompt_tokens"], cached)
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError):
        return Turn(identity, started, seconds, MALFORMED, reply.outcome), ""
    return turn, str(answer or "")
