"""A way to the engine that can be made to lead nowhere: no refusal, no answer, as behind a broken network.

Invariant: once silenced it answers no attempt to connect, and every connection through it is closed.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_POLL_S = 0.05
_UNANSWERED_S = 0.5
_CHUNK_BYTES = 65536


class Relay:
    """Passes bytes between whoever connects and one address, until it is silenced."""

    def __init__(self, engine_url: str) -> None:
        parts = urlsplit(engine_url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_POLL_S)
        self._sockets = [self._listener]
        self._silent = threading.Event()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def silence(self) -> None:
        """Accept nobody any more, and fill the kernel's queue, which would accept in our name."""
        self._stop_accepting()
        for passed in self._sockets[1:]:
            _shut(passed)
        self._listener.listen(0)
        with suppress(TimeoutError):
            while True:
                waiting = socket.socket()
                self._sockets.append(waiting)
                waiting.settimeout(_UNANSWERED_S)
                waiting.connect(self._listener.getsockname())

    def close(self) -> None:
        self._stop_accepting()
        for each in self._sockets:
            _shut(each)
            each.close()

    def _stop_accepting(self) -> None:
        self._silent.set()
        self._accepting.join()

    def _accept(self) -> None:
        while not self._silent.is_set():
            with suppress(TimeoutError):
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                self._sockets += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_CHUNK_BYTES):
            sink.sendall(data)
    _shut(sink)


def _shut(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay(engine_url: str) -> Iterator[Relay]:
    between = Relay(engine_url)
    try:
        yield between
    finally:
        between.close()
