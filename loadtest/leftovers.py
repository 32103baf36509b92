"""What clients that left may leave behind: calls at the engine, requests, sockets and memory at the gateway.

Invariant: judged from outside, by what the engine counts, the gateway's metrics and the kernel's view of its process.
"""

import time
from dataclasses import asdict, dataclass
from typing import Any

import httpx

from loadtest.child import Child
from loadtest.cpu import open_sockets, resident_mib
from loadtest.quantiles import gauge

# Longer than the gateway keeps an idle connection to its engine.
IDLE_SECONDS = 6.0
SETTLE_SECONDS = 20.0
# A check of the engine's health may be under way at either look.
SPARE_SOCKETS = 2
_POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class State:
    """One look at engine and gateway; ``cut_off`` are the engine's calls whose caller left before the end."""

    open_calls: int
    served_calls: int
    cut_off_calls: int
    in_flight: float
    queued: float
    cancelled: float
    sockets: int
    resident_mib: float

    def as_json(self) -> dict[str, Any]:
        """The state as JSON has it."""
        return {**asdict(self), "resident_mib": round(self.resident_mib, 1)}


def look(engine: Child, gateway: Child) -> State:
    """Look once."""
    with httpx.Client(timeout=10.0, trust_env=False) as client:
        counts = client.get(f"{engine.address.url}/counts").json()
        metrics = client.get(f"{gateway.address.url}/metrics").text
    return State(
        counts["open"],
        counts["served"],
        counts["cut_off"],
        gauge(metrics, "preceptor_in_flight_requests") or 0.0,
        gauge(metrics, "preceptor_queued_requests") or 0.0,
        gauge(metrics, "preceptor_cancelled_total") or 0.0,
        open_sockets(gateway.pid),
        resident_mib(gateway.pid),
    )


def settled(engine: Child, gateway: Child, sockets: int | None = None) -> State:
    """Look again and again until nothing is under way and no more than so many sockets are open, or time is up."""
    time.sleep(IDLE_SECONDS)
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        state = look(engine, gateway)
        busy = state.open_calls or state.in_flight or state.queued
        crowded = sockets is not None and state.sockets > sockets + SPARE_SOCKETS
        if not (busy or crowded) or time.monotonic() > deadline:
            return state
        time.sleep(_POLL_SECONDS)


def left_behind(before: State, half: State, after: State, tolerance_mib: float) -> list[str]:
    """What is still there after all clients are gone, in words; ``half`` is the state after half of them."""
    found = []
    if after.open_calls:
        found.append(f"{after.open_calls} calls open at the engine")
    if after.in_flight:
        found.append(f"{after.in_flight:.0f} requests in flight at the gateway")
    if after.queued:
        found.append(f"{after.queued:.0f} requests queued at the gateway")
    if after.sockets > before.sockets + SPARE_SOCKETS:
        found.append(f"{after.sockets - before.sockets} sockets more than at the start")
    grown = after.resident_mib - half.resident_mib
    if grown > tolerance_mib:
        found.append(f"{grown:.1f} MiB grown over the second half, more than {tolerance_mib:g}")
    return found
