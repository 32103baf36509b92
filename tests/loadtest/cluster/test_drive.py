"""Users against the stand-in engine itself, in this process."""

import asyncio
from dataclasses import replace
from itertools import count
from time import perf_counter

import httpx
import orjson
import pytest

from loadtest.cluster.conversations import Conversation, Shape, conversation
from loadtest.cluster.drive import ANSWERED, CUT_OFF, MALFORMED, Turn, Users, read
from loadtest.connection import Address, RawReply
from loadtest.standin.answers import MODEL
from loadtest.standin.scheduler import Scheduler
from loadtest.standin.server import Paced, listening
from loadtest.standin.speed import SPEEDS

FAST = replace(SPEEDS["qwen3-30b-a3b-h100"], decode_ms=((1, 0.1), (2, 0.1)))
SHAPE = Shape(history_words=40, turns=3, thought_seconds=(0.0, 0.01))


async def talked(address: Address, turns: int) -> list[Turn]:
    """The turns of two users until so many have ended."""
    told: list[Turn] = []
    enough = asyncio.Event()

    def tell(turn: Turn) -> None:
        told.append(turn)
        if len(told) >= turns:
            enough.set()

    users = Users(address, (conversation(number, "alive", SHAPE, 0) for number in count()), tell)
    talking = asyncio.create_task(users.talk(2, apart=False, started=perf_counter()))
    async with asyncio.timeout(30):
        await enough.wait()
        users.stop()
        await talking
    return told


async def test_turns_follow_each_other_and_find_what_was_said_before_cached() -> None:
    async with listening(0, Paced(Scheduler(FAST, FAST.limits), 20, ledger=True)) as port:
        told = await talked(Address("127.0.0.1", port), 12)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            entries = (await client.get("/ledger")).json()
    assert {turn.end for turn in told} == {ANSWERED}
    assert [identity for identity, _, _ in entries] == [turn.request_id for turn in told]
    by_id = {turn.request_id: turn for turn in told}
    assert by_id["alive.0.0"].cached_tokens == 0
    assert by_id["alive.0.1"].cached_tokens >= 32
    assert by_id["alive.0.2"].cached_tokens > by_id["alive.0.1"].cached_tokens
    assert {identity.rpartition(".")[0] for identity in by_id} >= {"alive.0", "alive.1", "alive.2"}


async def test_an_engine_without_a_ledger_keeps_none() -> None:
    async with (
        listening(0, Paced(Scheduler(FAST, FAST.limits), 20)) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        assert (await client.get("/ledger")).status_code == 404


async def test_a_server_that_leaves_ends_the_turn_and_its_conversation() -> None:
    async def leave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(leave, "127.0.0.1", 0)
    async with server:
        told = await talked(Address(*server.sockets[0].getsockname()), 6)
    assert {turn.end for turn in told} == {CUT_OFF}
    assert {turn.request_id.rpartition(".")[2] for turn in told} == {"0"}


@pytest.mark.parametrize(
    ("status", "body", "end"),
    [(503, b"{}", "status_503"), (200, b"no json", MALFORMED), (200, b'{"choices": []}', MALFORMED)],
)
def test_what_is_no_answer_is_an_end_by_name(status: int, body: bytes, end: str) -> None:
    turn, answer = read("alive.0.0", 1.0, 2.0, RawReply(status, "", body, 0.0))
    assert (turn.end, answer) == (end, "")


def test_an_answer_is_read_with_its_usage() -> None:
    content = {"choices": [{"message": {"content": "rest"}}], "usage": {"prompt_tokens": 40, "completion_tokens": 1}}
    turn, answer = read("alive.0.0", 1.0, 2.0, RawReply(200, "accepted", orjson.dumps(content), 0.0))
    assert (turn.end, turn.outcome, turn.prompt_tokens, turn.cached_tokens, answer) == (
        ANSWERED, "accepted", 40, 0, "rest",
    )  # fmt: skip


def test_a_conversation_is_asked_of_the_gateways_guided_model() -> None:
    one: Conversation = conversation(0, "alive", SHAPE, 0)
    assert one.body(0, [])["model"] != MODEL
