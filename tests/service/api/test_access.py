"""Which key opens which route, over real HTTP."""

import os
from pathlib import Path

import httpx
import pytest

from service.access import SCOPES
from service.api import chat, engine_resources, feedback, models, ops, principles, revisions
from service.keys import key_digest, new_key
from tests.service.api.conftest import Serve
from tests.service.api.scripted_engine import ENGINE_MODEL
from tests.service.api.serving import eventually

QUESTION = [{"role": "user", "content": "My chest hurts."}]
CALLS: dict[str, tuple[str, str, dict[str, object] | None]] = {
    "chat": ("POST", "/v1/chat/completions", {"model": "preceptor", "messages": QUESTION}),
    "plain chat": ("POST", "/v1/chat/completions", {"model": ENGINE_MODEL, "messages": QUESTION}),
    "completions": ("POST", "/v1/completions", {"model": ENGINE_MODEL, "prompt": "x"}),
    "embeddings": ("POST", "/v1/embeddings", {"model": ENGINE_MODEL, "input": "x"}),
    "revisions": ("POST", "/v1/revisions", {"messages": QUESTION}),
    "principles": ("GET", "/v1/principles", None),
    "one principle": ("GET", "/v1/principles/urgency.none", None),
    "search": ("POST", "/v1/principles/search", {"query": "x"}),
    "feedback": ("POST", "/v1/feedback", {}),
    "metrics": ("GET", "/metrics", None),
    "models": ("GET", "/v1/models", None),
    "nowhere": ("GET", "/v1/nowhere", None),
}
NEEDS = {
    "chat": "chat",
    "plain chat": "chat",
    "completions": "chat",
    "embeddings": "chat",
    "revisions": "revisions",
    "principles": "principles",
    "one principle": "principles",
    "search": "principles",
    "feedback": "feedback",
    "metrics": "metrics",
}


def key_with(file: Path, *scopes: str, client: str = "ward") -> dict[str, str]:
    """Put a new key into the file; return the headers that present it."""
    key, line = new_key(client, scopes)
    with file.open("a") as lines:
        lines.write(line + "\n")
    return {"authorization": f"Bearer {key}"}


def ask(url: str, call: str, headers: dict[str, str] | None = None) -> httpx.Response:
    method, path, body = CALLS[call]
    return httpx.request(method, f"{url}{path}", json=body, headers=headers, timeout=20)


def test_every_call_needs_a_key_and_only_its_scope_opens_it(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    presented = {scope: key_with(file, scope) for scope in ("chat", "revisions", "principles", "feedback", "metrics")}
    url = serve(key_file=file)
    for call in CALLS:
        refused = ask(url, call)
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key"), call
        assert refused.headers["www-authenticate"] == "Bearer"
        for scope, headers in presented.items():
            answer = ask(url, call, headers)
            opens = NEEDS.get(call, scope) == scope
            assert (answer.status_code not in (401, 403)) is opens, (call, scope)
            if not opens:
                error = answer.json()["error"]
                assert (answer.status_code, error["type"]) == (403, "permission_error")
                assert error["code"] == "missing_scope"
                assert f'scope="{NEEDS[call]}"' in answer.headers["www-authenticate"]


def test_every_route_is_behind_a_scope_or_known_to_be_open() -> None:
    routers = (chat, engine_resources, feedback, models, ops, principles, revisions)
    paths = {route.path for part in routers for route in part.router.routes}
    opened_by_any = {"/v1/models", "/v1/models/{name:path}"}
    scoped = {path for path in paths if any(path == known or path.startswith(f"{known}/") for known in SCOPES)}
    assert paths - scoped - opened_by_any == {"/healthz", "/readyz"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json"])
def test_health_and_the_document_are_open(serve: Serve, path: str) -> None:
    assert httpx.get(serve(api_keys="right") + path).status_code == 200


def test_without_keys_everything_is_open(url: str) -> None:
    assert [ask(url, call).status_code for call in ("chat", "principles", "metrics", "models")] == [200] * 4


@pytest.mark.parametrize("path", ["/v1", "/v1//chat/completions", "/v1/../v1/models", "/v1/%63hat/completions"])
def test_odd_paths_open_nothing(serve: Serve, path: str) -> None:
    assert httpx.post(serve(api_keys="right") + path).status_code == 401


def test_a_key_file_takes_effect_without_a_restart(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    old = key_with(file, "principles", "metrics")
    url = serve(key_file=file)
    new = key_with(file, "principles")
    eventually(lambda: ask(url, "principles", new).status_code == 200)
    assert ask(url, "principles", old).status_code == 200
    kept = tmp_path / "next.jsonl"
    kept.write_text(file.read_text().splitlines()[1] + "\n")
    os.replace(kept, file)  # noqa: PTH105 - as a mounted Secret is exchanged
    eventually(lambda: ask(url, "principles", old).status_code == 401)
    assert ask(url, "principles", new).status_code == 200


def test_a_request_is_logged_with_its_client_and_never_with_its_key(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "keys.jsonl"
    headers = key_with(file, "principles", client="night-ward")
    url = serve(key_file=file)
    caplog.clear()
    with caplog.at_level("DEBUG", logger="preceptor"):
        ask(url, "principles", headers)
        ask(url, "chat", headers)
        eventually(lambda: len([r for r in caplog.records if r.name == "preceptor.access"]) >= 2)
    lines = [record.__dict__ for record in caplog.records if record.name == "preceptor.access"]
    assert [(line["client"], line["route"], line["status"]) for line in lines] == [
        ("night-ward", "/v1/principles", 200),
        ("night-ward", "/v1/chat/completions", 403),
    ]
    key = headers["authorization"].removeprefix("Bearer ")
    assert not [line for line in lines if key in str(line) or key_digest(key) in str(line)]
