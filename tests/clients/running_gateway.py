"""The gateway as a user starts it: a process of its own, stopped by its handle.

Invariant: settings come from the arguments alone, never from the variables of whoever runs the tests.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.clients.scrape import total
from tests.service.api.serving import unused_url

START_SECONDS = 120.0
STOP_SECONDS = 20.0
_PREFIX = "PRECEPTOR_"


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that answers, without and with ``/v1``, the file that its log goes to, and a key that it takes."""

    url: str
    log: Path
    api_key: str = "none"

    @property
    def base(self) -> str:
        return f"{self.url}/v1"

    def requests(self, **labels: str) -> float:
        """How many requests with these labels have ended."""
        return total(self.url, "preceptor_requests_total", api_key=self.api_key, **labels)


@contextmanager
def running_gateway(engine_url: str, log: Path, *, ready: str = "/readyz", **settings: object) -> Iterator[Gateway]:
    """Run ``preceptor serve`` until the block is left, which is entered once ``ready`` is answered with 200."""
    url = unused_url()
    command = [str(Path(sys.executable).with_name("preceptor")), "serve", "--engine-url", engine_url]
    command += ["--port", url.rpartition(":")[2]]
    with log.open("wb") as output:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=_environment(settings)
        )
    try:
        _await(f"{url}{ready}", child, log)
        yield Gateway(url, log, str(settings.get("api_keys", "none")))
    finally:
        _stop(child)


def _environment(settings: Mapping[str, object]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_PREFIX)}
    return inherited | {f"{_PREFIX}{name.upper()}": str(value) for name, value in {"drain_s": 5, **settings}.items()}


def _await(address: str, child: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(address, timeout=10, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"the gateway did not come up:\n{log.read_text(encoding='utf-8')}")


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
