"""By which names a gateway may be addressed: a page's own name that leads here opens nothing where no key does."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route

from service.app import create_app
from service.hosts import Hosts, is_loopback, known_names
from service.metrics import Metrics
from service.settings import Settings, SettingsError, load_settings

LOCAL = {"localhost"}


@pytest.mark.parametrize(
    ("host", "loopback"),
    [(host, True) for host in ("127.0.0.1", "127.1.2.3", "::1", "localhost")]
    + [(host, False) for host in ("0.0.0.0", "::", "", "localhost.example.org")],
)
def test_what_can_be_reached_from_here_only_is_known(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, LOCAL),
        ({"host": "::1", "hosts": "gateway.example.org, b"}, {*LOCAL, "gateway.example.org", "b"}),
        ({"api_keys": "one"}, None),
        ({"host": "0.0.0.0"}, None),
        ({"host": "0.0.0.0", "hosts": "gateway.example.org"}, {*LOCAL, "gateway.example.org"}),
        ({"api_keys": "one", "hosts": "gateway.example.org"}, {*LOCAL, "gateway.example.org"}),
    ],
)
def test_names_are_asked_for_where_nothing_else_protects_or_they_are_set(
    settings: dict[str, object], names: set[str] | None
) -> None:
    assert known_names(load_settings(settings, environ={})) == names


@pytest.mark.parametrize("wrong", ["*", "https://a.example", "a.example:8000", "A.example", "a..example", "-a"])
def test_only_plain_names_may_be_set(wrong: str) -> None:
    with pytest.raises(SettingsError, match="hosts: "):
        load_settings({"hosts": wrong}, environ={})


@pytest.mark.parametrize(
    ("host", "status"),
    [(host, 200) for host in ("localhost", "LOCALHOST:8000", "localhost.", "127.0.0.1:9", "[::1]:8000", "10.0.0.7", "")]
    + [(host, 200) for host in ("ours.example.org", "ours.example.org:443")]
    + [
        (host, 421)
        for host in ("evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example")
    ]
    + [(host, 421) for host in ("evil.localhost", "[::1", "[evil]:1", ":8000", "2130706433", "0x7f.1")],
)
async def test_a_name_that_is_not_ours_is_refused(host: str, status: int) -> None:
    async def ours(_: object) -> Response:
        return Response()

    metrics = Metrics()
    guard = Middleware(Hosts, names={*LOCAL, "ours.example.org"}, metrics=metrics)
    app = Starlette(routes=[Route("/", ours)], middleware=[guard])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        answer = await client.get("/", headers={"host": host})
    assert answer.status_code == status
    if status == 421:
        assert answer.json()["error"]["code"] == "host_refused"
        assert "hosts" in answer.json()["error"]["message"]
        assert not host.strip(":[") or host not in answer.text
        assert metrics.refused.labels("host_refused")._value.get() == 1


async def test_a_page_whose_name_leads_here_gets_nothing_though_its_origin_is_its_host() -> None:
    transport = httpx.ASGITransport(create_app(Settings()))
    async with httpx.AsyncClient(transport=transport, base_url="http://evil.example:8000") as page:
        for method, path in (("POST", "/v1/chat/completions"), ("GET", "/v1/principles"), ("GET", "/metrics")):
            answer = await page.request(method, path, headers={"origin": "http://evil.example:8000"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (421, "host_refused")
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert (await page.get("/v1/principles")).status_code == 421
