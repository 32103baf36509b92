"""A server in a thread, on a port of its own, that answers as a test tells it to, and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = Mapping[str, Any]
Answer = tuple[int, Any]
Handler = Callable[[str, Body], Answer]


@dataclass(slots=True)
class Server:
    """Where it listens, and every POST in the order of arrival."""

    url: str
    asked: list[tuple[str, Body]] = field(default_factory=list)


@contextmanager
def serving(handler: Handler) -> Iterator[Server]:
    """Serve until the block is left. ``handler`` gives status and JSON; a str is sent as it is."""
    found: list[Server] = []

    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(*handler(self.path, {}))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            found[0].asked.append((self.path, body))
            self._send(*handler(self.path, body))

        def _send(self, status: int, value: object) -> None:
            data = value.encode() if isinstance(value, str) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    found.append(Server(f"http://127.0.0.1:{server.server_address[1]}"))
    try:
        yield found[0]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def completion(text: str, *, logprobs: Mapping[str, float] | None = None) -> dict[str, Any]:
    """An OpenAI chat completion of 10 tokens read, 4 of them cached, and 5 written."""
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
        "logprobs": None,
    }
    if logprobs:
        tokens = [{"token": token, "logprob": value, "bytes": None} for token, value in logprobs.items()]
        choice["logprobs"] = {"content": [{**tokens[0], "top_logprobs": tokens}]}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": "plain",
        "choices": [choice],
        "usage": {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 4},
        },
    }


def models(*names: str) -> dict[str, Any]:
    """A list of models."""
    return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}


def revision(draft: str, answer: str, *, wrote_draft: bool = True, criteria: int = 2) -> dict[str, Any]:
    """A revision as the gateway gives it: a rubric, verdicts on ``criteria``, one edit; perhaps the draft.

    The rubric takes 40 tokens, the draft 20 + 10, each verdict 31 of which 20 are cached, the edit 60 of which 40 are.
    """
    steps = [_step("rubric", 30, 0, 10, 400.0)]
    steps += [_step("draft", 20, 0, 10, 900.0)] if wrote_draft else []
    steps += [_step("verdict", 30, 20, 1, 30.0) for _ in range(criteria)]
    steps += [_step("edit", 50, 40, 10, 100.0)]
    read, cached = sum(step["prompt_tokens"] for step in steps), sum(step["cached_tokens"] for step in steps)
    written = sum(step["completion_tokens"] for step in steps)
    total = {"rubric": 400.0, "verdicts": 50.0, "edits": 110.0} | ({"draft": 900.0} if wrote_draft else {})
    return {
        "object": "revision",
        "answer": answer,
        "draft": draft,
        "outcome": "revised",
        "reason": None,
        "prompts": "compact@00000000",
        "criteria": [
            {
                "number": number,
                "text": f"Says {number}",
                "points": 5,
                "principle": None,
                "before": {"probability": 0.5, "met": True, "satisfied": True},
                "after": None,
            }
            for number in range(1, criteria + 1)
        ],
        "edits": [],
        "usage": {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
            "prompt_tokens_details": {"cached_tokens": cached},
            "completion_tokens_details": {"reasoning_tokens": 0},
            "steps": steps,
        },
        "timings_ms": total | {"total": 1100.0 if wrote_draft else 560.0},
    }


def _step(name: str, read: int, cached: int, written: int, ms: float) -> dict[str, Any]:
    return {"step": name, "prompt_tokens": read, "cached_tokens": cached, "completion_tokens": written, "ms": ms}
