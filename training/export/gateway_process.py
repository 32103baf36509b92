"""The gateway as a child process in front of one engine: started, watched until it is ready, and stopped again.

Invariant: its settings come from the command line alone, and leaving the block leaves no process of its group behind.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from models.process import stop
from training.export.ports import HOST

READY_SECONDS = 120.0
_DRAIN_SECONDS = 5
_POLL_SECONDS = 0.2
_REQUEST_SECONDS = 10.0
_TAIL_LINES = 20


class ServingError(RuntimeError):
    """An engine or a gateway did not come up; the message ends with the last lines of its log."""


@contextmanager
def running_gateway(
    engine_url: str, port: int, log: Path, registry: Path | None = None, variables: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run ``preceptor serve`` until the block is left, and give its URL once it is ready. Raises ``ServingError``."""
    with log.open("wb") as output:
        child = subprocess.Popen(
            gateway_command(engine_url, port, registry, variables or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        url = f"http://{HOST}:{port}"
        _await_ready(url, child, log)
        yield url
    finally:
        stop(child)


def gateway_command(engine_url: str, port: int, registry: Path | None, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Return the command, with ``variables`` and none of those that this process was given."""
    chosen = () if registry is None else ("--registry", str(registry.resolve()))
    return (
        *("env", "-i", *(f"{name}={value}" for name, value in variables.items())),
        *(sys.executable, "-m", "service", "serve"),
        *("--engine-url", engine_url, "--host", HOST, "--port", str(port)),
        *("--drain-s", str(_DRAIN_SECONDS), "--log-level", "warning"),
        *chosen,
    )


def _await_ready(url: str, child: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    with httpx.Client(base_url=url, trust_env=False) as client:
        while child.poll() is None and (left := deadline - time.monotonic()) > 0:
            with suppress(httpx.TransportError):
                if client.get("/readyz", timeout=min(left, _REQUEST_SECONDS)).is_success:
                    return
            time.sleep(_POLL_SECONDS)
    status = child.poll()
    what = f"is not ready after {READY_SECONDS:.0f} s" if status is None else f"ended with status {status}"
    tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:]
    raise ServingError("\n".join([f"the gateway {what}; the end of {log}:", *tail]))
