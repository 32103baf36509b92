"""What goes past the loop and why, and when streams open."""

from typing import Any

import httpx
import pytest

from tests.service.api.conftest import Serve
from tests.service.api.scripted_engine import DRAFT, ENGINE_MODEL, Script

CHAT = "/v1/chat/completions"
TALK = [{"role": "user", "content": "Write a short poem about the sea and my old sailing boat."}]
HEALTH = [{"role": "user", "content": "My chest hurts since an hour. What now?"}]


def ask(url: str, messages: Any, **fields: Any) -> httpx.Response:
    return httpx.post(f"{url}{CHAT}", json={"model": "preceptor", "messages": messages, **fields}, timeout=20)


@pytest.mark.parametrize("stream", [False, True])
def test_talk_that_is_not_about_health_goes_past_the_loop(url: str, script: Script, stream: bool) -> None:
    response = ask(url, TALK, stream=stream, preceptor={"trace": True})
    assert response.headers["x-preceptor-reason"] == "not_health"
    assert [asked["model"] for asked in script.asked] == [ENGINE_MODEL]
    assert "preceptor" not in script.asked[0]


def test_a_question_about_health_does_not(url: str) -> None:
    assert ask(url, HEALTH).headers["x-preceptor-outcome"] == "revised"


def test_thanks_for_an_answer_about_health_is_still_about_health(url: str) -> None:
    messages = [*HEALTH, {"role": "assistant", "content": DRAFT}, {"role": "user", "content": "Thank you!"}]
    assert ask(url, messages).headers["x-preceptor-outcome"] == "revised"


def test_a_gateway_may_be_told_to_guide_everything(serve: Serve) -> None:
    assert ask(serve(bypass_talk=False), TALK).headers["x-preceptor-outcome"] == "revised"


def test_an_app_that_asks_for_a_revision_gets_one_whatever_it_is_about(url: str) -> None:
    assert httpx.post(f"{url}/v1/revisions", json={"messages": TALK}).json()["outcome"] == "revised"


@pytest.mark.parametrize(
    "messages",
    [
        [*HEALTH, {"role": "tool", "content": "x", "tool_call_id": "c"}],
        [*HEALTH, {"role": "assistant", "content": None, "tool_calls": [{"id": "c"}]}, *HEALTH],
        [*HEALTH, {"role": "function", "name": "f", "content": "x"}, *HEALTH],
    ],
)
def test_conversations_with_tools_go_past_the_loop(url: str, messages: Any) -> None:
    assert ask(url, messages).headers["x-preceptor-reason"] == "tools"


@pytest.mark.parametrize("body", [{"model": "preceptor"}, {"model": "preceptor", "n": 2}, {"model": ENGINE_MODEL}])
def test_a_stream_opens_as_soon_as_the_engine_has_taken_the_request_on(
    serve: Serve, script: Script, body: dict[str, Any]
) -> None:
    script.held = "draft"
    url = serve(open_after_s=60)
    with httpx.stream("POST", f"{url}{CHAT}", json={"messages": HEALTH, "stream": True, **body}, timeout=5) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")


def test_images_are_told_apart_by_the_engine_where_nothing_is_known_of_it(url: str, script: Script) -> None:
    refusal = {"error": {"message": "not a multimodal model", "type": "BadRequestError", "param": None, "code": 400}}
    script.refusal = (400, refusal)
    parts = [{"type": "text", "text": "What is this rash?"}, {"type": "image_url", "image_url": {"url": "data:x"}}]
    response = ask(url, [{"role": "user", "content": parts}])
    assert (response.status_code, response.json()) == (400, refusal)
    assert script.asked[0]["messages"][0]["content"] == parts
