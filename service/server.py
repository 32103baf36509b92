"""Runs the app: one process, one worker, one event loop; more of them are more pods.

Invariant: a server that is told to end keeps listening while requests are open, so that probes and clients are told
what is going on, and ends when the last one has been answered or ``drain_s`` has passed.
"""

import signal
import sys
import time
from types import FrameType

import prometheus_client
import uvicorn

from service.app import create_app
from service.hosts import is_loopback
from service.keys import KeyFileError
from service.logs import configure_logging
from service.metrics import Metrics
from service.outgoing import Drain
from service.protocol import bounded
from service.rereading import Rereading
from service.settings import Settings

BACKLOG = 2048
# The part of the drain in which what is left is cut off and told so.
CLOSING_SECONDS = 1
WITHOUT_KEYS = "anyone who reaches host could ask: set key_file or api_keys, or allow_without_keys if that is meant"


class DrainingServer(uvicorn.Server):
    """Drains at the first signal, and ends as uvicorn does at the second."""

    def __init__(self, config: uvicorn.Config, drain: Drain, drain_s: float) -> None:
        super().__init__(config)
        self._drain = drain
        self._drain_s = drain_s
        self._ends_at = float("inf")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain. uvicorn's own way would close the listener first, and with it the readiness probe."""
        if self._drain.begun:
            super().handle_exit(sig, frame)
            return
        self._ends_at = time.monotonic() + max(0.0, self._drain_s - CLOSING_SECONDS)
        self._drain.begin()

    async def on_tick(self, counter: int) -> bool:
        """Say whether to stop serving."""
        ended = await super().on_tick(counter)
        drained = self._drain.begun and (not self._drain.open_requests or time.monotonic() >= self._ends_at)
        return ended or drained


def serve(settings: Settings) -> int:
    """Serve until told to stop, and let requests in flight end. Returns 2 for settings that cannot be served."""
    if not (settings.wants_keys or settings.allow_without_keys or is_loopback(settings.host)):
        sys.stderr.write(f"preceptor: {WITHOUT_KEYS}\n")
        return 2
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    drain, metrics, rereading = Drain(), Metrics(), Rereading()
    signal.signal(signal.SIGHUP, lambda *_: rereading.ask())
    try:
        app = create_app(settings, drain=drain, metrics=metrics, rereading=rereading)
    except KeyFileError as error:
        sys.stderr.write(f"preceptor: {error}\n")
        return 2
    configure_logging(settings.log_level)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=bounded(settings.max_head_bytes, settings.head_s, metrics),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing here asks where a client is, and a header could say anything
        backlog=BACKLOG,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=min(settings.drain_s, CLOSING_SECONDS),
    )
    server = DrainingServer(config, drain, settings.drain_s)
    server.run()
    return 0 if server.started else 1
