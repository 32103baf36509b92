"""A small HTTP server that answers like a gateway in front of an engine, after fixed delays."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

PLAIN_SECONDS = 0.02
ACCEPTED_SECONDS = 0.03
REVISED_SECONDS = 0.05
STEP_SECONDS = 0.02
CRITERIA = [{"text": "Names the red flag.", "points": 8}, {"text": "Gives no dose.", "points": -5}]


@dataclass
class Clock:
    """A clock that only the stand-in's delays move, so that latencies are exact on a busy machine."""

    seconds: float = 0.0

    def now(self) -> float:
        """What the client reads instead of the machine's clock."""
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Wait without waiting."""
        self.seconds += seconds


@dataclass
class Script:
    """What the stand-in is to do, how it waits, and the bodies that it got."""

    wait: Callable[[float], None] = time.sleep

    critique: str = '[{"n":1,"reason":"absent","met":false},{"n":2,"reason":"none given","met":false}]'
    bodies: list[dict[str, Any]] = field(default_factory=list)

    def reply(self, body: dict[str, Any]) -> tuple[int, dict[str, Any], float]:
        """Status, content and delay for one chat completion request."""
        self.bodies.append(body)
        question, last = body["messages"][0]["content"], body["messages"][-1]["content"]
        if question == "fail" and body["model"] == "preceptor":
            return 503, {"error": {"message": "engine away"}}, 0.0
        if body["model"] == "preceptor":
            return 200, *self._guided(question)
        if last.startswith("Criteria:"):
            return 200, completion(self.critique, 40, 20, 30), STEP_SECONDS
        if last.startswith("Unmet:"):
            return 200, completion("better", 40, 20, 10), STEP_SECONDS
        return 200, completion(f"draft of {question}", 10, 0, 10), PLAIN_SECONDS

    def _guided(self, question: str) -> tuple[dict[str, Any], float]:
        if question == "small talk":
            return completion(f"draft of {question}", 10, 0, 10), PLAIN_SECONDS
        outcome, seconds = ("accepted", ACCEPTED_SECONDS) if "good" in question else ("revised", REVISED_SECONDS)
        draft = "another" if "other" in question else f"draft of {question}"
        trace = {"draft": draft, "criteria": CRITERIA}
        content = completion("answer", 100, 75, 25)
        return {**content, "preceptor": {"outcome": outcome, "reason": None, "trace": trace}}, seconds


def completion(text: str, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> dict[str, Any]:
    """A chat completion as the wire has it."""
    return {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "prompt_tokens_details": {"cached_tokens": cached_tokens} if cached_tokens else None,
        },
    }


@contextmanager
def standing_in(script: Script, models: tuple[str, ...] = ("preceptor", "engine/model")) -> Iterator[str]:
    """Run the stand-in and give its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body leave in one packet, so that no delayed acknowledgement is waited for

        def do_GET(self) -> None:
            self._send(200, {"object": "list", "data": [{"id": name} for name in models]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, content, seconds = script.reply(body)
            script.wait(seconds)
            self._send(status, content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def _send(self, status: int, content: dict[str, Any]) -> None:
            raw = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
