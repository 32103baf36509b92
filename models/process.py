"""An engine as a child process: started in its own process group, watched until it answers, and stopped again.

Invariant: leaving `launch` by any way leaves no process of the child's group behind.
"""

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from models.engine import EngineError
from models.flags import LaunchSpec
from models.warmup import warm_up

START_SECONDS = 600.0
STOP_SECONDS = 15.0
_POLL_SECONDS = 0.5
_TELL_EVERY_SECONDS = 5.0
_TAIL_LINES = 20
# What vLLM writes to its log, and what it is doing from then on; later rows come later in its start.
_STAGES = (
    ("Initializing a V1 LLM engine", "starting the engine core"),
    ("Starting to load model", "loading the weights"),
    ("Dynamo bytecode transform", "compiling"),
    ("GPU KV cache size", "making the cache"),
    ("Started server process", "opening the port"),
)


class LaunchFailure(RuntimeError):
    """The engine did not come up; the message ends with the last lines of its log where there are any."""


@dataclass(frozen=True, slots=True)
class EngineProcess:
    """A running engine that has answered."""

    url: str
    model: str
    pid: int
    log: Path


@contextmanager
def launch(
    spec: LaunchSpec,
    command: Sequence[str],
    log: Path,
    *,
    tell: Callable[[str], None] = lambda _: None,
    start_seconds: float = START_SECONDS,
) -> Iterator[EngineProcess]:
    """Run `command` until the block is left, which is entered once the engine is warm. Raises `LaunchFailure`."""
    _require_free_port(spec)
    with log.open("wb") as output:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _await_health(spec, child, log, tell, start_seconds)
        try:
            asyncio.run(warm_up(spec.url, spec.served_model_name, tell))
        except EngineError as error:
            raise LaunchFailure(f"warm-up failed: {error}\n{_tail(log)}") from error
        yield EngineProcess(spec.url, spec.served_model_name, child.pid, log)
    finally:
        stop(child)


def _require_free_port(spec: LaunchSpec) -> None:
    """Another engine's answer on this port would pass for our child's."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((spec.host, spec.port))
        except OSError as error:
            raise LaunchFailure(f"{spec.host}:{spec.port} cannot be had: {error.strerror}") from error


def _await_health(
    spec: LaunchSpec, child: subprocess.Popen[bytes], log: Path, tell: Callable[[str], None], start_seconds: float
) -> None:
    started = told = time.monotonic()
    with httpx.Client(base_url=spec.url, timeout=_TELL_EVERY_SECONDS, trust_env=False) as client:
        while child.poll() is None:
            with suppress(httpx.TransportError):
                if client.get("/health").is_success:
                    tell(f"engine answers after {time.monotonic() - started:.0f} s")
                    return
            now = time.monotonic()
            if now - started > start_seconds:
                raise LaunchFailure(f"engine not ready after {start_seconds:.0f} s\n{_tail(log)}")
            if now - told > _TELL_EVERY_SECONDS:
                told = now
                tell(f"{now - started:3.0f} s  {_stage(log)}")
            time.sleep(_POLL_SECONDS)
    raise LaunchFailure(f"engine ended with status {child.returncode}\n{_tail(log)}")


def _stage(log: Path) -> str:
    text = log.read_text(encoding="utf-8", errors="replace")
    reached = [stage for marker, stage in _STAGES if marker in text]
    return reached[-1] if reached else "importing"


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-_TAIL_LINES:])


def stop(child: subprocess.Popen[bytes]) -> None:
    """Ask a child that leads a session of its own to end, then end whatever is left of its group (the engine core)."""
    try:
        if child.poll() is None:
            child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(STOP_SECONDS)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
