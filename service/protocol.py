"""HTTP as uvicorn and httptools speak it, with bounds on a request's head, which neither of them has.

Invariant: a head that is not complete holds no more memory than ``max_bytes`` and one read of its socket, and holds its
connection for at most ``within_s`` seconds; one that is complete has at most ``max_bytes`` and ``MAX_HEADERS``.
"""

import asyncio
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.answer_headers import SAFE
from service.errors import ApiError, HeadTooLarge, HeadTooSlow, NotHttp
from service.metrics import Metrics

MAX_HEADERS = 100


class BoundedProtocol(HttpToolsProtocol):
    """One connection. A head that breaks a bound is answered with an OpenAI error, after the answers that are owed to
    requests before it, and the connection closed."""

    max_bytes: int
    within_s: float
    metrics: Metrics
    _head_bytes = 0
    _in_head = True
    _begun = False
    _refused: ApiError | None = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a first head."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come, and count it where it belongs to a head."""
        if self._refused:
            return
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._refused or self.transport.is_closing():
            return
        if self._in_head:
            self._start_timer()
            if self._head_bytes > self.max_bytes:
                self._refuse_large()

    def on_message_begin(self) -> None:
        """Wait for the rest of a head."""
        if not self._refused:
            super().on_message_begin()
            self._begun = True
            self._start_timer()

    def on_headers_complete(self) -> None:
        """Serve the request, unless its head is too large."""
        if self._refused:
            return
        self._stop_timer()
        self._in_head = self._begun = False
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self.max_bytes or len(self.headers) > MAX_HEADERS:
            self._refuse_large()
            return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand a part of a body on."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Expect another head, or nothing."""
        if not self._refused:
            super().on_message_complete()
            self._in_head, self._head_bytes = True, 0

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP: as any other refusal, and never into the middle of an answer that is owed."""
        if not self._refused:
            self._refuse(NotHttp("what was sent is no HTTP/1.1 request"))

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.within_s, self._too_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self._is_answering():
            self._start_timer()
        elif self._begun:
            self._refuse(HeadTooSlow(f"the request's head did not arrive within {self.within_s:g} s"))
        else:
            self.transport.close()

    def _refuse_large(self) -> None:
        what = f"the request's head has more than {self.max_bytes} bytes or {MAX_HEADERS} headers"
        self._refuse(HeadTooLarge(what))

    def _refuse(self, error: ApiError) -> None:
        self._refused = error
        self._stop_timer()
        self.metrics.refused.labels(error.code).inc()
        if self._is_answering():
            self.flow.pause_reading()
        else:
            self._end(error)

    def on_response_complete(self) -> None:
        """Serve what has been waiting; then say why the connection ends, where it does."""
        super().on_response_complete()
        if self._refused is not None and not self._is_answering() and not self.transport.is_closing():
            self._end(self._refused)

    def _end(self, error: ApiError) -> None:
        self.transport.write(_written(error))
        self.transport.close()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete


def bounded(max_bytes: int, within_s: float, metrics: Metrics) -> type[BoundedProtocol]:
    """The protocol with these bounds; uvicorn makes one for each connection, and hands it nothing of ours."""
    return type("Bounded", (BoundedProtocol,), {"max_bytes": max_bytes, "within_s": within_s, "metrics": metrics})


def _written(error: ApiError) -> bytes:
    body = error.body()
    own = {"content-type": "application/json", "content-length": str(len(body)), "connection": "close"}
    lines = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in {**own, **SAFE}.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
