"""curl as people type it: what goes over the wire, byte for byte."""

import json
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.clients.asked import LONG, LOOP_OUTCOMES, MESSAGES
from tests.clients.conftest import API_KEY, NARROW_BODY_BYTES
from tests.clients.running_gateway import Gateway
from tests.clients.scrape import total
from tests.service.api.serving import eventually

pytestmark = pytest.mark.engine

JSON = ("-H", "content-type: application/json")
TIMED_OUT = 28


@dataclass(frozen=True, slots=True)
class Transfer:
    """A finished transfer: what came, curl's exit status, and what curl says of it."""

    body: str
    exit_status: int
    told: Mapping[str, Any]
    spoken: str

    @property
    def status(self) -> int:
        return int(self.told["http_code"])

    @property
    def error(self) -> Mapping[str, Any]:
        """The error object, of which there must be nothing but."""
        value = json.loads(self.body)
        assert set(value) == {"error"}
        assert set(value["error"]) == {"message", "type", "param", "code"}
        found: Mapping[str, Any] = value["error"]
        return found


def curl(*arguments: str, stdin: bytes = b"") -> Transfer:
    if shutil.which("curl") is None:
        pytest.fail("curl is missing; the package manager of this machine has it", pytrace=False)
    mark = "\n--told--"
    command = ["curl", "--silent", "--verbose", "--noproxy", "*", "--write-out", f"{mark}%{{json}}", *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=120, check=False)
    body, _, told = done.stdout.decode().rpartition(mark)
    return Transfer(body, done.returncode, json.loads(told), done.stderr.decode(errors="replace"))


def body(model: str, **fields: object) -> str:
    return json.dumps({"model": model, "messages": MESSAGES, "temperature": 0, **fields})


def events(text: str) -> Sequence[str]:
    """The data of server-sent events, heartbeats left out."""
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    assert all(block.startswith("data: ") for block in blocks)
    return [block.removeprefix("data: ") for block in blocks]


def test_a_plain_question(gateway: Gateway, engine_model: str) -> None:
    found = curl(*JSON, "-d", body(engine_model, max_tokens=16), f"{gateway.base}/chat/completions")
    assert (found.exit_status, found.status) == (0, 200)
    assert found.told["content_type"] == "application/json"
    assert "< x-preceptor-outcome: bypassed" in found.spoken
    assert json.loads(found.body)["usage"]["completion_tokens"] == 16


def test_a_guided_question(gateway: Gateway) -> None:
    found = curl(*JSON, "-d", body("preceptor", max_tokens=32), f"{gateway.base}/chat/completions")
    assert found.status == 200
    assert json.loads(found.body)["preceptor"]["outcome"] in LOOP_OUTCOMES
    assert "< x-request-id: req-" in found.spoken


@pytest.mark.parametrize("guided", [True, False])
def test_a_stream_ends_with_done(gateway: Gateway, engine_model: str, guided: bool) -> None:
    asked = body("preceptor" if guided else engine_model, max_tokens=32, stream=True)
    found = curl("-N", *JSON, "-d", asked, f"{gateway.base}/chat/completions")
    *chunks, last = events(found.body)
    assert (found.exit_status, found.status, last) == (0, 200, "[DONE]")
    assert found.told["content_type"].startswith("text/event-stream")
    assert {json.loads(chunk)["object"] for chunk in chunks} == {"chat.completion.chunk"}


def test_a_stream_is_not_held_back(gateway: Gateway, engine_model: str) -> None:
    asked = body(engine_model, stream=True, max_tokens=400, ignore_eos=True)
    found = curl("-N", *JSON, "-d", asked, f"{gateway.base}/chat/completions")
    assert events(found.body)[-1] == "[DONE]"
    assert found.told["time_starttransfer"] < found.told["time_total"] / 4


@pytest.mark.parametrize("stream", [True, False])
def test_whoever_hangs_up_is_counted(gateway: Gateway, engine_model: str, stream: bool) -> None:
    def cancelled() -> float:
        return total(gateway.url, "preceptor_cancelled_total", route="/v1/chat/completions")

    before = cancelled()
    asked = body(engine_model, stream=stream, **LONG)
    found = curl("-N", "--max-time", "1", *JSON, "-d", asked, f"{gateway.base}/chat/completions")
    assert found.exit_status == TIMED_OUT
    assert bool(found.body) == stream
    eventually(lambda: cancelled() == before + 1)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b'{"model": "preceptor", ', "invalid_json"),
        (b"[1, 2]", "invalid_json"),
        (b"", "empty_body"),
        (b'{"model": "preceptor", "messages": [{"role": "user", "content": "\xff"}]}', "invalid_json"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(gateway: Gateway, sent: bytes, code: str) -> None:
    found = curl(*JSON, "--data-binary", "@-", f"{gateway.base}/chat/completions", stdin=sent)
    assert (found.status, found.error["type"], found.error["code"]) == (400, "invalid_request_error", code)


@pytest.mark.parametrize(("path", "method", "status"), [("nothing-here", "GET", 404), ("chat/completions", "GET", 405)])
def test_a_wrong_address_gets_an_error_object(gateway: Gateway, path: str, method: str, status: int) -> None:
    found = curl("-X", method, f"{gateway.base}/{path}")
    assert (found.status, found.error["type"]) == (status, "invalid_request_error")


def test_a_connection_is_used_again(gateway: Gateway, engine_model: str) -> None:
    twice = ("-o", "/dev/null", f"{gateway.base}/chat/completions") * 2
    found = curl(*JSON, "-d", body(engine_model, max_tokens=4), *twice)
    assert (found.status, found.told["num_connects"]) == (200, 0)
    assert found.body.count('"num_connects":1') == 1
    assert "Re-using existing connection" in found.spoken


def test_a_large_body_may_ask_first(gateway: Gateway, engine_model: str) -> None:
    asked = body(engine_model, max_tokens=4, metadata={"filling": "x" * 1_500_000})
    command = (*JSON, "-H", "expect: 100-continue", "--expect100-timeout", "30", "--data-binary", "@-")
    started = time.monotonic()
    found = curl(*command, f"{gateway.base}/chat/completions", stdin=asked.encode())
    assert found.spoken.count("< HTTP/1.1 100 Continue") == 1
    assert (found.status, found.told["size_upload"]) == (200, len(asked))
    assert time.monotonic() - started < 30


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(narrow: Gateway) -> None:
    asked = b"x" * (NARROW_BODY_BYTES * 16)
    command = (*JSON, "-H", f"authorization: Bearer {API_KEY}", "-H", "expect: 100-continue", "--data-binary", "@-")
    found = curl(*command, "--expect100-timeout", "30", f"{narrow.base}/chat/completions", stdin=asked)
    assert (found.status, found.error["code"]) == (413, "body_too_large")
    assert found.told["size_upload"] < len(asked)


@pytest.mark.parametrize("upload", [("-T", "-", "-X", "POST"), ("--data-binary", "@-")])
def test_a_body_without_a_length_is_read(gateway: Gateway, engine_model: str, upload: tuple[str, ...]) -> None:
    chunked = (*JSON, "-H", "transfer-encoding: chunked", *upload)
    asked = body(engine_model, max_tokens=4).encode()
    found = curl(*chunked, f"{gateway.base}/chat/completions", stdin=asked)
    assert "> transfer-encoding: chunked" in found.spoken.lower()
    assert "> content-length" not in found.spoken.lower()
    assert (found.status, json.loads(found.body)["usage"]["completion_tokens"]) == (200, 4)


def test_a_body_without_a_length_is_bounded_too(narrow: Gateway) -> None:
    chunked = (*JSON, "-H", "transfer-encoding: chunked", "-H", f"authorization: Bearer {API_KEY}", "-T", "-")
    asked = b"x" * (NARROW_BODY_BYTES * 4)
    found = curl(*chunked, "-X", "POST", f"{narrow.base}/chat/completions", stdin=asked)
    assert (found.status, found.error["code"]) == (413, "body_too_large")
