"""Runs the app: one process, one worker, one event loop; more of them are more pods.

Invariant: a server that is told to end keeps listening while requests are open, so that probes and clients are told
what is going on, and ends when the last one has been answered or ``drain_s`` has passed.
"""

import logging
import time
from types import FrameType

import prometheus_client
import uvicorn

from service.app import create_app
from service.logs import configure_logging
from service.outgoing import Drain
from service.settings import Settings

BACKLOG = 2048
# The part of the drain in which what is left is cut off and told so.
CLOSING_SECONDS = 1
LOOPBACK = ("127.0.0.1", "::1", "localhost")
log = logging.getLogger("preceptor.server")


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
    """Serve until told to stop, and let requests in flight end."""
    configure_logging(settings.log_level)
    if settings.host not in LOOPBACK and not settings.api_keys:
        log.warning("anyone who reaches this address may ask: no API keys are set")
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    drain = Drain()
    config = uvicorn.Config(
        create_app(settings, drain=drain),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=min(settings.drain_s, CLOSING_SECONDS),
    )
    server = DrainingServer(config, drain, settings.drain_s)
    server.run()
    return 0 if server.started else 1
