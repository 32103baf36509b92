import asyncio
import json
import signal
import subprocess
import sys
from typing import Any

import httpx
import pytest

from loadtest.child import Child, free_address, running
from loadtest.connection import Address, Connection, chat_request
from loadtest.standin.answers import ACCEPTED_QUESTION, DRAFT, MODEL
from loadtest.standin.server import Delays, listening

BODY = {"model": MODEL, "messages": [{"role": "user", "content": ACCEPTED_QUESTION}]}


async def events(client: httpx.AsyncClient, body: dict[str, Any]) -> list[str]:
    response = await client.post("/v1/chat/completions", json=body)
    assert response.headers["content-type"] == "text/event-stream"
    return [line.removeprefix("data: ") for line in response.text.split("\n") if line]


async def counts(client: httpx.AsyncClient) -> dict[str, int]:
    found: dict[str, int] = (await client.get("/counts")).json()
    return found


async def until_open(client: httpx.AsyncClient, calls: int) -> None:
    async with asyncio.timeout(20):
        while (await counts(client))["open"] != calls:
            pass


@pytest.mark.parametrize("gap", [0.0, 0.001])
async def test_a_stream_has_sixteen_tokens_and_its_end(gap: float) -> None:
    async with listening(0, Delays(gap_seconds=gap)) as port, httpx.AsyncClient(base_url=url(port)) as client:
        *chunks, done = await events(client, {**BODY, "stream": True})
        assert await counts(client) == {"open": 0, "served": 1, "cut_off": 0}
    deltas = [json.loads(chunk)["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert len(deltas[1:-1]) == 16
    assert "".join(delta["content"] for delta in deltas[1:-1]) == DRAFT
    assert json.loads(chunks[-1])["choices"][0]["finish_reason"] == "stop"
    assert done == "[DONE]"


async def test_usage_comes_where_it_is_asked_for() -> None:
    async with listening(0, Delays()) as port, httpx.AsyncClient(base_url=url(port)) as client:
        body = {**BODY, "stream": True, "stream_options": {"include_usage": True}}
        *_, usage, done = await events(client, body)
    assert (json.loads(usage)["choices"], json.loads(usage)["usage"]["completion_tokens"], done) == ([], 16, "[DONE]")


async def test_models_health_and_unknown_paths() -> None:
    async with listening(0, Delays()) as port, httpx.AsyncClient(base_url=url(port)) as client:
        models = (await client.get("/v1/models")).json()
        assert [row["id"] for row in models["data"]] == [MODEL]
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/nowhere")).status_code == 404


@pytest.mark.parametrize("stream", [False, True])
async def test_a_caller_that_leaves_is_counted_as_cut_off(stream: bool) -> None:
    delays = Delays(gap_seconds=30.0, answer_seconds=30.0)
    async with listening(0, delays) as port, httpx.AsyncClient(base_url=url(port)) as client:
        address = Address("127.0.0.1", port)
        connection = await Connection.to(address)
        asking = asyncio.create_task(connection.ask(chat_request(address, {**BODY, "stream": stream})))
        await until_open(client, 1)
        asking.cancel()
        connection.close()
        await until_open(client, 0)
        assert await counts(client) == {"open": 0, "served": 0, "cut_off": 1}


async def test_what_is_not_http_is_hung_up_on() -> None:
    async with listening(0, Delays()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x16\x03\x01 hello\r\n\r\n")
        assert await reader.read() == b""
        writer.close()


def test_it_runs_as_a_program_and_stops_when_it_is_told_to(tmp_path: Any) -> None:
    address = free_address()
    command = [sys.executable, "-m", "loadtest.standin", "--port", str(address.port), "--token-gap-ms", "1"]
    with running(command, address, tmp_path / "engine.log") as child:
        child.await_answer("/health", 30.0)
        assert status_after_sigterm(child) == 0


def status_after_sigterm(child: Child) -> int:
    child.process.send_signal(signal.SIGTERM)
    try:
        return child.process.wait(20)
    except subprocess.TimeoutExpired:
        return -1


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}"
