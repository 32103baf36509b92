"""A program that looks like an engine to the launcher: `python fake_engine.py PORT [STATUS]`.

It starts a child of its own, whose process id it writes to its output, ignores nothing, and answers every chat alike.
"""

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

CHOICE = {"index": 0, "message": {"content": "ok"}, "delta": {"content": "ok"}, "finish_reason": "stop"}


class Answers(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self._send(b"{}", 200)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        value = json.dumps({"choices": [CHOICE], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})
        text = f"data: {value}\n\ndata: [DONE]\n\n" if body.get("stream") else value
        self._send(text.encode(), self.status)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

    def _send(self, body: bytes, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    Answers.status = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    sys.stdout.write(f"child {child.pid}\n")
    sys.stdout.flush()
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Answers).serve_forever()
