"""Whether an engine takes priorities: as scripted ones say, and as the real one does with its flag and without."""

import asyncio
import re
import socket
from collections.abc import Iterator

import httpx
import pytest

from models.engine import ChatRequest, EngineUnavailable
from models.launcher import bundled_spec, choose_command
from models.priority import takes_priorities
from models.process import launch
from models.vllm import VLLMEngine
from tests.models.scripted import Call, Handler, HandlerMaker, Server, serving
from tests.service.api.serving import eventually

QUESTION = ({"role": "user", "content": "Is it well?"},)
ANSWER = {"choices": [{"message": {"content": "yes"}, "finish_reason": "length"}]}
REFUSAL = {"error": {"message": "Priority scheduling is not enabled", "type": "BadRequestError", "code": 400}}


def replying(status: int, value: object) -> HandlerMaker:
    def made(_: Server) -> Handler:
        async def handle(call: Call) -> None:
            await call.reply(status, value)

        return handle

    return made


@pytest.mark.parametrize(("status", "value", "takes"), [(200, ANSWER, True), (400, REFUSAL, False)])
async def test_an_engine_is_asked_once_with_a_priority(status: int, value: object, takes: bool) -> None:
    async with serving(replying(status, value)) as server:
        engine = VLLMEngine(server.url, "m", retries=0)
        assert await takes_priorities(engine) is takes
        await engine.aclose()
    [call] = server.calls
    assert (call.json()["priority"], call.json()["max_tokens"]) == (1, 1)


async def test_an_engine_that_is_away_says_nothing_of_priorities() -> None:
    async with serving(replying(503, {})) as server:
        engine = VLLMEngine(server.url, "m", retries=0)
        with pytest.raises(EngineUnavailable):
            await takes_priorities(engine)
        await engine.aclose()


@pytest.fixture(scope="module", params=["priority", "fcfs"])
def narrow(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A real engine with one sequence at a time, and its scheduling policy: of two flags, vLLM takes the last."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    spec = bundled_spec(port)
    command = (*choose_command(spec), "--scheduling-policy", request.param, "--max-num-seqs", "1")
    with launch(spec, command, tmp_path_factory.mktemp("engine") / "engine.log") as engine:
        yield engine.url, request.param


@pytest.mark.engine
async def test_the_real_engine_takes_priorities_and_heeds_them_with_its_flag_only(
    narrow: tuple[str, str], engine_model: str
) -> None:
    """vLLM 0.32 does not refuse a priority without the flag, as older ones do: it passes over it."""
    url, policy = narrow
    engine = VLLMEngine(url, engine_model)
    assert await takes_priorities(engine)
    ended: list[str] = []

    async def ask(name: str, priority: int, tokens: int) -> None:
        extra = {"ignore_eos": True}
        await engine.chat(ChatRequest(messages=QUESTION, max_tokens=tokens, priority=priority, extra=extra))
        ended.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(ask("at work", 0, 400))
        await until(url, "running", 1)
        for name in ("first draft", "second draft"):
            group.create_task(ask(name, 0, 8))
        await until(url, "waiting", 2)
        group.create_task(ask("verdict", -1, 1))
        await until(url, "waiting", 3)
    await engine.aclose()
    drafts = ["first draft", "second draft"]
    assert ended == ["at work", *(["verdict", *drafts] if policy == "priority" else [*drafts, "verdict"])]


async def until(url: str, what: str, number: int) -> None:
    """Wait until the engine has so many requests running or waiting."""
    wanted = re.compile(rf"^vllm:num_requests_{what}\{{.*\}} {number}\.0$", re.MULTILINE)
    await asyncio.to_thread(eventually, lambda: wanted.search(httpx.get(f"{url}/metrics").text) is not None)
