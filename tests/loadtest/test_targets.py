import json

import pytest

from loadtest.connection import Address, RawReply
from loadtest.standin.answers import ACCEPTED_QUESTION, DRAFT, MODEL, REVISED_QUESTION
from loadtest.targets import KINDS, TARGETS, Target

BY_NAME = {target.name: target for target in TARGETS}
EVENT = b'data: {"choices":[]}\n\n'
DONE = b"data: [DONE]\n\n"


def body(target: Target, **fields: object) -> dict[str, object]:
    request = target.request(Address("127.0.0.1", 1234), "stream" if fields else "json")
    head, _, raw = request.partition(b"\r\n\r\n")
    assert f"content-length: {len(raw)}".encode() in head
    found: dict[str, object] = json.loads(raw)
    return found


def reply(content: bytes, outcome: str = "", status: int = 200) -> RawReply:
    return RawReply(status, outcome, content, 0.0)


def test_what_is_asked_of_whom() -> None:
    assert {name: target.server for name, target in BY_NAME.items()} == {
        "engine": "engine",
        "passthrough": "gateway",
        "accepted": "gateway",
        "revised": "gateway",
        "litellm": "litellm",
        "optillm": "optillm",
    }
    assert body(BY_NAME["passthrough"]) == {
        "model": MODEL,
        "messages": [{"role": "user", "content": ACCEPTED_QUESTION}],
    }
    assert body(BY_NAME["revised"], stream=True) == {
        "model": "preceptor",
        "messages": [{"role": "user", "content": REVISED_QUESTION}],
        "stream": True,
    }


@pytest.mark.parametrize(
    ("target", "content", "outcome", "fault"),
    [
        ("engine", DRAFT, "", None),
        ("passthrough", DRAFT, "bypassed", None),
        ("passthrough", DRAFT, "", "outcome none"),
        ("accepted", DRAFT, "accepted", None),
        ("accepted", DRAFT, "degraded", "outcome degraded"),
        ("revised", DRAFT, "revised", "another answer"),
        ("revised", DRAFT.replace("water.", "water. Call an ambulance now."), "revised", None),
        ("litellm", "Something else.", "", "another answer"),
    ],
)
def test_a_json_reply_is_held_to_outcome_and_answer(target: str, content: str, outcome: str, fault: str | None) -> None:
    raw = json.dumps({"choices": [{"message": {"content": content}}]}).encode()
    assert BY_NAME[target].fault("json", reply(raw, outcome)) == fault


@pytest.mark.parametrize(
    ("target", "content", "fault"),
    [
        ("engine", EVENT * 16 + DONE, None),
        ("engine", EVENT * 15 + DONE, "a stream of fewer events"),
        ("engine", EVENT * 16, "a stream without its end"),
        ("optillm", EVENT + DONE, None),
        ("revised", EVENT + b'data: {"preceptor":{"outcome":"revised"}}\n\n' + DONE, None),
        (
            "revised",
            EVENT + b'data: {"preceptor":{"outcome":"kept_draft"}}\n\n' + DONE,
            "a stream without outcome revised",
        ),
    ],
)
def test_a_stream_is_held_to_its_events_and_its_outcome(target: str, content: bytes, fault: str | None) -> None:
    assert BY_NAME[target].fault("stream", reply(content)) == fault


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_told_by_its_status(kind: str) -> None:
    assert BY_NAME["engine"].fault("json" if kind == "json" else "stream", reply(b"{}", status=429)) == "status 429"
