"""Load on one server: a closed loop of so many askers, or an open loop at a steady rate.

Invariant: open-loop latencies run from the moment at which a request was due, not from when it could be sent, so that
a server that falls behind cannot slow down the clock that measures it.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter, process_time

from loadtest.connection import ConnectionFailure, Connections, RawReply

# A reply is awaited for so long after the last request was due.
_DRAIN_SECONDS = 15.0

Fault = Callable[[RawReply], str | None]


@dataclass(slots=True)
class Load:
    """What came of one stretch of load. ``client_cpu_seconds`` is what sending and reading it cost here."""

    latencies_ms: list[float] = field(default_factory=list)
    send_lags_ms: list[float] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    client_cpu_seconds: float = 0.0

    @property
    def sent(self) -> int:
        """Requests with any end."""
        return len(self.latencies_ms) + self.faults.total()


@dataclass(frozen=True, slots=True)
class Asker:
    """Puts one request again and again; ``fault`` says what is wrong with a reply, if anything is."""

    connections: Connections
    request: bytes
    fault: Fault

    async def ask(self, load: Load, due: float | None = None) -> None:
        """Put the request once and note how long it took from ``due``, by default from now."""
        started = perf_counter() if due is None else due
        try:
            reply = await self.connections.ask(self.request)
        except ConnectionFailure as error:
            load.faults[str(error)] += 1
            return
        wrong = self.fault(reply)
        if wrong is None:
            load.latencies_ms.append((reply.ended - started) * 1000)
        else:
            load.faults[wrong] += 1


async def closed_loop(asker: Asker, concurrency: int, requests: int, seconds: float) -> Load:
    """Keep ``concurrency`` requests under way until so many were put or the time is up."""
    load = Load()
    await asker.connections.open(concurrency)
    left = requests
    started, cpu = perf_counter(), process_time()

    async def one_after_another() -> None:
        nonlocal left
        while left > 0 and perf_counter() - started < seconds:
            left -= 1
            await asker.ask(load)

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(one_after_another())
    load.seconds, load.client_cpu_seconds = perf_counter() - started, process_time() - cpu
    return load


def schedule(rate: float, requests: int, seconds: float) -> list[float]:
    """When requests are due, in seconds from the start: evenly, for so long, and no more than so many."""
    return [number / rate for number in range(max(1, min(requests, int(rate * seconds))))]


async def open_loop(asker: Asker, due: Sequence[float]) -> Load:
    """Put a request at each of these moments, whatever has become of those before."""
    load = Load()
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()
    all_sent, stopped = asyncio.Event(), threading.Event()
    started, cpu = perf_counter(), process_time()

    def send(offset: float) -> None:
        load.send_lags_ms.append((perf_counter() - started - offset) * 1000)
        tasks.add(loop.create_task(asker.ask(load, started + offset)))
        if len(load.send_lags_ms) == len(due):
            all_sent.set()

    def keep_time() -> None:
        # A thread, since a timer of the event loop rings up to a millisecond late.
        for offset in due:
            if stopped.wait(max(0.0, started + offset - perf_counter())):
                return
            loop.call_soon_threadsafe(send, offset)

    clock = threading.Thread(target=keep_time, name="loadtest-clock")
    clock.start()
    try:
        await all_sent.wait()
        await _drained(tasks, load)
    finally:
        stopped.set()
        clock.join()
    load.seconds, load.client_cpu_seconds = perf_counter() - started, process_time() - cpu
    return load


async def _drained(tasks: set[asyncio.Task[None]], load: Load) -> None:
    _, late = await asyncio.wait(tasks, timeout=_DRAIN_SECONDS)
    for task in late:
        task.cancel()
        load.faults[f"no reply within {_DRAIN_SECONDS:.0f} s"] += 1
    await asyncio.gather(*tasks, return_exceptions=True)
