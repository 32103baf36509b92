"""The gateway as a model: what goes over the wire, what comes back, and which failures are worth asking again."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageUser, GenerateConfig

from tests.training.evaluation.server import Answer, Body, revision, serving
from training.evaluation.asked.build import gateway_model
from training.evaluation.asked.gateway import REVISION, GatewayRefused
from training.evaluation.asked.waiting import retried

pytestmark = pytest.mark.usefixtures("inspect_home")
CONVERSATION: list[ChatMessage] = [
    ChatMessageUser(content="I have a headache."),
    ChatMessageAssistant(content="Since when?"),
    ChatMessageUser(content="Two days."),
]


async def test_a_call_is_a_revision_and_its_record_is_kept() -> None:
    record = revision("The draft.", "The answer.")
    with serving(lambda path, body: (200, record)) as server:
        async with gateway_model(server.url, "preceptor", "secret", GenerateConfig()) as model:
            output = await model.generate(
                CONVERSATION,
                config=GenerateConfig(
                    temperature=0.5, seed=3, max_tokens=64, extra_body={"draft": "Mine.", "options": {"rounds": 2}}
                ),
            )
    [(path, body)] = server.asked
    assert path == "/v1/revisions"
    assert body == {
        "model": "preceptor",
        "messages": [{"role": one.role, "content": one.content} for one in CONVERSATION],
        "temperature": 0.5,
        "seed": 3,
        "max_tokens": 64,
        "draft": "Mine.",
        "options": {"rounds": 2},
    }
    assert output.completion == "The answer."
    assert output.metadata == {REVISION: record}
    assert output.usage is not None
    assert (output.usage.input_tokens, output.usage.input_tokens_cache_read) == (80, 80)
    assert output.usage.output_tokens == 32


async def test_a_refusal_is_not_asked_again_and_says_why() -> None:
    with serving(lambda path, body: (400, {"error": {"message": "draft: too long"}})) as server:
        async with gateway_model(server.url, "preceptor", None, GenerateConfig()) as model:
            with pytest.raises(GatewayRefused, match=r"HTTP 400: .*draft: too long"):
                await model.generate(CONVERSATION)
    assert len(server.asked) == 1


@pytest.mark.slow
async def test_an_overloaded_gateway_is_asked_again() -> None:
    asked: list[Mapping[str, Any]] = []

    def busy(path: str, body: Body) -> Answer:
        asked.append(body)
        return (429, {"error": {}}) if len(asked) < 2 else (200, revision("A.", "B."))

    with serving(busy) as server:
        async with gateway_model(server.url, "preceptor", None, GenerateConfig(timeout=30)) as model:
            assert (await model.generate(CONVERSATION)).completion == "B."
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("status", "error", "again", "kind"),
    [
        (400, None, False, "transient"),
        (401, None, False, "transient"),
        (429, None, True, "rate_limit"),
        (500, None, True, "transient"),
        (503, None, True, "transient"),
        (None, httpx.ConnectError("refused"), True, "transient"),
        (None, httpx.ReadTimeout("slow"), True, "transient"),
        (None, ValueError("ours"), False, "transient"),
    ],
)
def test_what_may_go_otherwise_is_asked_again(
    status: int | None, error: Exception | None, again: bool, kind: str
) -> None:
    decision = retried(status, error or RuntimeError())
    assert (decision.retry, decision.kind) == (again, kind)
