"""The playground's routes: what is served, under which headers, and what is not."""

import gzip
import re
from pathlib import Path

import httpx
import pytest

from service.api.web import FOLDER, POLICY, read_assets
from tests.service.api.conftest import Serve

FILES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file())


def test_the_page_is_served_under_a_policy_of_its_own(url: str) -> None:
    answer = httpx.get(f"{url}/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.content == (FOLDER / "index.html").read_bytes()
    assert answer.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert set(re.findall(r"(\S+-src)", POLICY)) == {"default-src", "script-src", "style-src", "img-src", "connect-src"}
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_served_plain_and_packed(url: str, name: str) -> None:
    content = (FOLDER / name).read_bytes()
    plain = httpx.get(f"{url}/static/{name}", headers={"accept-encoding": "identity"})
    assert (plain.status_code, plain.content) == (200, content)
    assert "content-encoding" not in plain.headers
    with httpx.stream("GET", f"{url}/static/{name}", headers={"accept-encoding": "br, gzip"}) as packed:
        raw = b"".join(packed.iter_raw())
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == content
    assert plain.headers["etag"] != packed.headers["etag"]
    assert (plain.headers["vary"], packed.headers["vary"]) == ("accept-encoding", "accept-encoding")


def test_what_a_browser_has_is_not_sent_again(url: str) -> None:
    first = httpx.get(f"{url}/static/style.css", headers={"accept-encoding": "gzip;q=0"})
    assert "content-encoding" not in first.headers
    tag = first.headers["etag"]
    assert re.fullmatch(r'"[0-9a-f]{16}"', tag)
    for told in (tag, f'"other", W/{tag}'):
        again = httpx.get(f"{url}/static/style.css", headers={"if-none-match": told, "accept-encoding": "identity"})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    changed = httpx.get(f"{url}/static/style.css", headers={"if-none-match": '"other"'})
    assert changed.status_code == 200


@pytest.mark.parametrize(
    "path", ["/static/", "/static/none.js", "/static/../settings.py", "/static/%2e%2e/app.py", "/static//etc/passwd"]
)
def test_nothing_else_is_served(url: str, path: str) -> None:
    answer = httpx.get(f"{url}{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_it_can_be_switched_off(serve: Serve) -> None:
    url = serve(playground=False)
    assert [httpx.get(f"{url}{path}").status_code for path in ("/", "/static/style.css", "/v1/models")] == [
        404,
        404,
        200,
    ]


def test_the_page_is_open_and_the_api_behind_it_is_not(serve: Serve) -> None:
    url = serve(api_keys="right")
    assert [httpx.get(f"{url}{path}").status_code for path in ("/", "/static/js/main.js")] == [200, 200]
    assert [httpx.get(f"{url}{path}").status_code for path in ("/v1/models", "/metrics")] == [401, 401]


def test_a_file_of_an_unknown_kind_is_a_fault_at_start(tmp_path: Path) -> None:
    (tmp_path / "page.exe").touch()
    with pytest.raises(KeyError):
        read_assets(tmp_path)
