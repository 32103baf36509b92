"""The processes of a cluster: stand-in engines that can be killed and started anew, and gateways before all of them.

Invariant: an engine comes back at the address that it had; leaving ``cluster`` leaves no process behind.
"""

import os
import shlex
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from loadtest.child import Child, free_address, running
from loadtest.cluster.affinity import Life
from loadtest.connection import Address

_ENGINE_SECONDS, _GATEWAY_SECONDS = 30.0, 180.0


@dataclass(slots=True)
class Engine:
    """An engine by name; ``child`` is None for one that somebody else runs."""

    name: str
    url: str
    child: Child | None = None
    life: Life = field(init=False)

    def __post_init__(self) -> None:
        self.life = Life(self.name, 1)


@dataclass(slots=True)
class Cluster:
    """What runs; ``ended_at`` is when a life of an engine ended, on ``perf_counter``."""

    engines: Sequence[Engine]
    gateways: Sequence[Child]
    ended_at: dict[Life, float] = field(default_factory=dict)
    _flags: Sequence[str] = ()
    _logs: Path = Path()
    _stack: ExitStack = field(default_factory=ExitStack)

    def kill(self, engine: Engine) -> None:
        """End a stand-in at once, as a machine that fails does."""
        assert engine.child is not None
        os.kill(engine.child.pid, signal.SIGKILL)
        engine.child.process.wait()
        self.ended_at[engine.life] = perf_counter()

    def restart(self, engine: Engine) -> None:
        """Start a killed stand-in anew, with an empty cache. Raises ``ChildFailure``."""
        assert engine.child is not None
        engine.child = _engine(self._stack, engine.name, engine.child.address, self._flags, self._logs)
        engine.child.await_answer("/health", _ENGINE_SECONDS)
        engine.life = Life(engine.name, engine.life.number + 1)


@contextmanager
def cluster(
    logs: Path, gateway: str, gateways: int, real: Mapping[str, str], engines: int, flags: Sequence[str]
) -> Iterator[Cluster]:
    """Run gateways by the command ``gateway`` before ``engines`` stand-ins, or before ``real`` ones by name and URL.

    Raises ``ChildFailure``.
    """
    with ExitStack() as stack:
        found = [Engine(name, url) for name, url in real.items()]
        if not found:
            for number in range(engines):
                child = _engine(stack, f"e{number}", free_address(), flags, logs)
                found.append(Engine(f"e{number}", child.address.url, child))
        for engine in found:
            if engine.child is not None:
                engine.child.await_answer("/health", _ENGINE_SECONDS)
        listed = ",".join(f"{engine.name}={engine.url}" for engine in found)
        before = [_gateway(stack, gateway, f"gateway-{number}", listed, logs) for number in range(gateways)]
        for one in before:
            one.await_answer("/readyz", _GATEWAY_SECONDS)
        yield Cluster(found, before, _flags=flags, _logs=logs, _stack=stack)


def _engine(stack: ExitStack, name: str, own: Address, flags: Sequence[str], logs: Path) -> Child:
    command = (sys.executable, "-m", "loadtest.standin", "--port", str(own.port), "--ledger", *flags)
    return stack.enter_context(running(command, own, logs / f"{name}.log"))


def _gateway(stack: ExitStack, command: str, name: str, engines: str, logs: Path) -> Child:
    own = free_address()
    flags = ("--engine-url", engines, "--host", own.host, "--port", str(own.port), "--log-level", "warning")
    return stack.enter_context(running((*shlex.split(command), *flags), own, logs / f"{name}.log"))
