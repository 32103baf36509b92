"""An engine's own word of what it has open: the stand-in's counts, or the gauges of vLLM.

Invariant: an engine that does not tell is an error, never an engine that has nothing to do.
"""

from collections.abc import Callable
from dataclasses import dataclass

import orjson

from loadtest.child import ChildFailure
from loadtest.connection import Address, Connection
from loadtest.quantiles import gauge

_VLLM_GAUGES = ("vllm:num_requests_running", "vllm:num_requests_waiting")


@dataclass(frozen=True, slots=True)
class Word:
    """Where an engine tells it, and how that reads."""

    path: str
    read: Callable[[bytes], int]

    async def open_calls(self, watch: Connection, engine: Address) -> int:
        """Chat completions under way. Raises ``ChildFailure`` where the engine does not say."""
        return self.read((await watch.ask(get(engine, self.path))).body)


def get(address: Address, path: str) -> bytes:
    """A request for ``path``."""
    return f"GET {path} HTTP/1.1\r\nhost: {address.host}:{address.port}\r\n\r\n".encode()


def _standin(body: bytes) -> int:
    return int(orjson.loads(body)["open"])


def _vllm(body: bytes) -> int:
    text = body.decode()
    values = [gauge(text, name) for name in _VLLM_GAUGES]
    if None in values:
        raise ChildFailure(f"the engine does not tell {' and '.join(_VLLM_GAUGES)}")
    return int(sum(value for value in values if value is not None))


STAND_IN, VLLM = Word("/counts", _standin), Word("/metrics", _vllm)
