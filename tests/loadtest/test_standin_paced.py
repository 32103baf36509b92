"""The paced stand-in over HTTP; when its tokens come is told in virtual time elsewhere."""

import asyncio
import json
from dataclasses import replace

import httpx

from loadtest.standin.answers import ACCEPTED_QUESTION, DRAFT
from loadtest.standin.scheduler import Scheduler
from loadtest.standin.server import Paced, listening
from loadtest.standin.speed import SPEEDS, Limits

FAST = replace(SPEEDS["qwen3-30b-a3b-h100"], decode_ms=((1, 0.1), (2, 0.1)))
BODY = {"messages": [{"role": "user", "content": ACCEPTED_QUESTION}]}


def paced(limits: Limits = FAST.limits) -> Paced:
    return Paced(Scheduler(FAST, limits), draft_tokens=40)


async def test_a_stream_has_its_tokens_and_its_own_counts() -> None:
    async with listening(0, paced()) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        body = {**BODY, "stream": True, "stream_options": {"include_usage": True}}
        replies = [await client.post("/v1/chat/completions", json=body) for _ in range(2)]
        whole = (await client.post("/v1/chat/completions", json=BODY)).json()
        counts = (await client.get("/counts")).json()
        metrics = (await client.get("/metrics")).text
    lines = [line.removeprefix("data: ") for line in replies[1].text.split("\n") if line]
    *chunks, usage, done = lines
    text = "".join(json.loads(chunk)["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert (text, done) == (whole["choices"][0]["message"]["content"], "[DONE]")
    assert text.startswith(DRAFT)
    assert json.loads(usage)["usage"] == whole["usage"]
    assert whole["usage"]["completion_tokens"] == len(text.split(" "))
    assert whole["usage"]["prompt_tokens_details"] == {"cached_tokens": 16}
    assert counts == {"open": 0, "served": 3, "cut_off": 0}
    assert "vllm:prefix_cache_hits_total" in metrics


async def test_a_caller_that_leaves_frees_the_engine() -> None:
    pace = Paced(Scheduler(SPEEDS["qwen3-30b-a3b-h100"]), draft_tokens=4000)
    async with listening(0, pace) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        async with client.stream("POST", "/v1/chat/completions", json={**BODY, "stream": True}):
            assert len(pace.scheduler.running) == 1
        async with asyncio.timeout(20):
            while (await client.get("/counts")).json()["open"]:
                pass
    assert (pace.scheduler.tally.aborted, pace.scheduler.blocks.used) == (1, 0)


async def test_what_could_never_fit_is_a_400() -> None:
    small = replace(FAST.limits, kv_blocks=2)
    async with listening(0, paced(small)) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        reply = await client.post("/v1/chat/completions", json=BODY)
    assert (reply.status_code, "maximum context length" in reply.json()["error"]["message"]) == (400, True)
