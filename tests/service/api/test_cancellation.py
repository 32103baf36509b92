"""Clients that leave, at every step of the loop: counted at the engine, streaming or not, guided or passed through."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.service.api.scripted_engine import ENGINE_MODEL, Script
from tests.service.api.serving import eventually
from tests.service.api.test_ops import value

QUESTION = [{"role": "user", "content": "My chest hurts since an hour. What now?"}]
TWO = [
    {"principle": 1, "criterion": "Says to call an ambulance now", "points": 9},
    {"principle": 2, "criterion": "Says to stay calm", "points": 3},
]
# How many calls are open while a step is held; checks follow edits one by one.
OPEN = {"draft": 1, "rubric": 1, "verdict": 2, "edit": 2, "check": 1}


async def leave_at(url: str, path: str, body: dict[str, Any], script: Script, step: str, calls: int) -> None:
    """Ask, and leave once the engine holds this many calls of the step."""
    async with httpx.AsyncClient(timeout=30) as client:
        asking = asyncio.create_task(client.post(f"{url}{path}", json=body))
        await asyncio.to_thread(eventually, lambda: script.steps().count(step) >= calls and script.open_calls >= calls)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("step", list(OPEN))
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/revisions"])
async def test_leaving_cuts_off_every_open_call(url: str, script: Script, path: str, step: str, stream: bool) -> None:
    script.rubric, script.held = TWO, step
    before = value(url, "preceptor_cancelled_total", route=path)
    model = {"model": "preceptor"} if path.startswith("/v1/chat") else {}
    await leave_at(url, path, {"messages": QUESTION, "stream": stream, **model}, script, step, OPEN[step])
    await asyncio.to_thread(eventually, lambda: script.open_calls == 0)
    assert script.cut_off >= OPEN[step]
    asked = len(script.asked)
    await asyncio.to_thread(eventually, lambda: value(url, "preceptor_cancelled_total", route=path) == before + 1)
    assert value(url, "preceptor_in_flight_requests") == 0
    assert len(script.asked) == asked


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("body", [{"model": ENGINE_MODEL}, {"model": "preceptor", "n": 2}])
async def test_leaving_cuts_off_what_is_passed_through(
    url: str, script: Script, body: dict[str, Any], stream: bool
) -> None:
    script.held = "draft"
    await leave_at(url, "/v1/chat/completions", {"messages": QUESTION, "stream": stream, **body}, script, "draft", 1)
    await asyncio.to_thread(eventually, lambda: script.open_calls == 0)
    assert script.cut_off == 1
