"""Runs the app: one process, one worker, one event loop; more of them are more pods."""

import logging

import prometheus_client
import uvicorn

from service.app import create_app
from service.logs import configure_logging
from service.settings import Settings

BACKLOG = 2048
LOOPBACK = ("127.0.0.1", "::1", "localhost")
log = logging.getLogger("preceptor.server")


def serve(settings: Settings) -> int:
    """Serve until told to stop, and let requests in flight end."""
    configure_logging(settings.log_level)
    if settings.host not in LOOPBACK and not settings.api_keys:
        log.warning("anyone who reaches this address may ask: no API keys are set")
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    config = uvicorn.Config(
        create_app(settings),
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
        timeout_graceful_shutdown=settings.drain_s,
    )
    server = uvicorn.Server(config)
    server.run()
    return 0 if server.started else 1
