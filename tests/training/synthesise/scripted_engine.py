"""An engine on the loopback that counts what it is asked, by the id in the question, and answers as a test says."""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "scripted"
RUBRIC = '[{"principle":1,"criterion":"Says %s","points":7},{"principle":0,"criterion":"Shouts","points":-3}]'
_ID = re.compile(r"question (q-\d+)")

Answer = tuple[int, str]
"""HTTP status, and the text of the answer or of the error."""


class Engine:
    """What a test sees and sets: ``answer`` takes an id and how often it was asked before."""

    def __init__(self, answer: Callable[[str, int], Answer]) -> None:
        self.answer = answer
        self.url = ""
        self.asked: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.open = self.most_open = 0
        self.lock = threading.Lock()

    def take(self, body: dict[str, Any]) -> Answer:
        """Count a request and answer it."""
        id_ = _ID.findall(json.dumps(body["messages"]))[0]
        with self.lock:
            before = self.asked[id_]
            self.asked[id_] += 1
            self.bodies.append(body)
            self.open += 1
            self.most_open = max(self.most_open, self.open)
        try:
            return self.answer(id_, before)
        finally:
            with self.lock:
                self.open -= 1


def well(id_: str, before: int) -> Answer:
    """A rubric that scores."""
    return 200, RUBRIC % id_


@contextmanager
def scripted(answer: Callable[[str, int], Answer] = well) -> Iterator[Engine]:
    """Serve until the block ends."""
    engine = Engine(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._reply(200, {"object": "list", "data": [{"id": MODEL, "object": "model"}]})

        def do_POST(self) -> None:
            status, text = engine.take(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            choice = {"message": {"content": text}, "finish_reason": "stop"}
            usage = {"prompt_tokens": 3, "completion_tokens": 1}
            error = {"error": {"message": text, "type": "scripted"}}
            self._reply(status, {"choices": [choice], "usage": usage} if status == 200 else error)

        def _reply(self, status: int, value: object) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests speak through assertions."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that a test killed."""

    server = Server(("127.0.0.1", 0), Handler)
    engine.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield engine
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
