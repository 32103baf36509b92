"""A server as a child process: started in its own process group, watched until it answers, and stopped again.

Invariant: leaving ``running`` by any way leaves no process of the child's group behind.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import httpx

from loadtest.connection import Address

_POLL_SECONDS = 0.1
_STOP_SECONDS = 10.0
_TAIL_LINES = 15


class ChildFailure(Exception):
    """A child ended, or did not answer in time; the message ends with the last lines of its log."""


@dataclass(frozen=True, slots=True)
class Child:
    """A server that has been started."""

    process: subprocess.Popen[bytes]
    address: Address
    log: Path

    @property
    def pid(self) -> int:
        """The process at the root of the server's tree."""
        return self.process.pid

    def await_answer(self, path: str, seconds: float) -> None:
        """Return once ``path`` is answered with 200. Raises ``ChildFailure``."""
        deadline = time.monotonic() + seconds
        with httpx.Client(base_url=self.address.url, timeout=10.0, trust_env=False) as client:
            while self.process.poll() is None and time.monotonic() < deadline:
                with suppress(httpx.TransportError):
                    if client.get(path).status_code == httpx.codes.OK:
                        return
                time.sleep(_POLL_SECONDS)
        status = self.process.poll()
        what = f"did not answer {path} within {seconds:.0f} s" if status is None else f"ended with status {status}"
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        raise ChildFailure("\n".join([f"{self.log.stem} {what}", *lines[-_TAIL_LINES:]]))


def free_address() -> Address:
    """A port of the loopback interface at which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Address("127.0.0.1", probe.getsockname()[1])


@contextmanager
def running(command: Sequence[str], address: Address, log: Path) -> Iterator[Child]:
    """Run ``command``, which is to listen at ``address``, until the block is left."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield Child(process, address, log)
    finally:
        _stop(process)


@contextmanager
def stopping_on_sigterm() -> Iterator[None]:
    """Have SIGTERM leave the block by ``SystemExit``, so that what runs inside it is stopped."""

    def leave(number: int, _: object) -> NoReturn:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the child to end, then end whatever is left of its group."""
    try:
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
