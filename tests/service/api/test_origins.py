"""What browsers' pages may do, and what every answer tells them."""

import httpx
import pytest

from service.answer_headers import SAFE
from tests.service.api.conftest import Serve
from tests.service.api.scripted_engine import ENGINE_MODEL, Script
from tests.service.api.serving import eventually

LISTED = "https://app.example.org"
CHAT = "/v1/chat/completions"
BODY = {"model": ENGINE_MODEL, "messages": [{"role": "user", "content": "My chest hurts."}]}
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://app.example.org.evil.example", ""])
@pytest.mark.parametrize("listed", [(), (LISTED,)])
def test_other_pages_are_refused_before_anything_is_done(
    serve: Serve, script: Script, origin: str, listed: tuple[str, ...]
) -> None:
    url = serve(cors_origins=listed)
    eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
    asked = len(script.asked)
    answer = httpx.post(f"{url}{CHAT}", json=BODY, headers={"origin": origin})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "origin_refused")
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert len(script.asked) == asked
    assert httpx.options(f"{url}{CHAT}", headers={"origin": origin, **PREFLIGHT}).status_code == 403


def test_a_listed_page_may_ask_and_read(serve: Serve) -> None:
    url = serve(cors_origins=f"{LISTED}, http://localhost:3000", api_keys="right")
    leave = httpx.options(f"{url}{CHAT}", headers={"origin": LISTED, **PREFLIGHT})
    assert (leave.status_code, leave.headers["access-control-allow-origin"]) == (204, LISTED)
    assert "authorization" in leave.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in leave.headers
    answer = httpx.post(f"{url}{CHAT}", json=BODY, headers={"origin": LISTED, "authorization": "Bearer right"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, LISTED)
    assert (answer.headers["vary"], "x-request-id" in answer.headers["access-control-expose-headers"]) == (
        "Origin",
        True,
    )
    refused = httpx.post(f"{url}{CHAT}", json=BODY, headers={"origin": LISTED})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, LISTED)


def test_pages_from_here_and_clients_that_are_no_pages_need_no_leave(url: str) -> None:
    assert httpx.get(f"{url}/v1/models", headers={"origin": url}).status_code == 200
    answer = httpx.get(f"{url}/v1/models")
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("wrong", ["*", "app.example.org", "https://a/b", "https://a,*", "https://A.example", "null"])
def test_only_whole_origins_may_be_listed(serve: Serve, wrong: str) -> None:
    with pytest.raises(ValueError, match="cors_origins"):
        serve(cors_origins=wrong)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/healthz", None, 200),
        ("GET", "/metrics", None, 200),
        ("GET", "/openapi.json", None, 200),
        ("GET", "/v1/nothing", None, 404),
        ("DELETE", "/v1/models", None, 405),
        ("POST", CHAT, {}, 400),
        ("POST", CHAT, BODY, 200),
        ("POST", CHAT, {**BODY, "stream": True}, 200),
        ("POST", CHAT, {**BODY, "model": "preceptor", "stream": True}, 200),
    ],
)
def test_every_answer_is_safe(url: str, method: str, path: str, body: object, status: int) -> None:
    answer = httpx.request(method, f"{url}{path}", json=body)
    assert answer.status_code == status
    assert {name: answer.headers[name] for name in SAFE} == dict(SAFE)
