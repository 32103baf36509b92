"""What a gateway holds while nothing is asked of it: looked at before a load and after it, and compared.

Invariant: both looks are alike: after the connections to the engine have been let go, and of several looks the least of
each count, since a check of the engine's health may be under way in any of them.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import httpx

from loadtest.child import Child
from loadtest.cpu import resident_mib
from loadtest.leftovers import IDLE_SECONDS, SETTLE_SECONDS
from loadtest.quantiles import gauge
from loadtest.sockets import held

_LOOKS = 16
_POLL_SECONDS = 0.25
_GAUGES: Mapping[str, str] = {
    "tasks": "preceptor_event_loop_tasks",
    "in_flight": "preceptor_in_flight_requests",
    "queued": "preceptor_queued_requests",
    "arriving": "preceptor_arriving_requests",
    "open_engine_calls": "preceptor_engine_open_calls",
}


@dataclass(frozen=True, slots=True)
class Idle:
    """One look; ``engine_calls`` is the engine's own count of calls that are open, the others are the gateway's."""

    tasks: float
    descriptors: float
    client_connections: float
    engine_connections: float
    other_connections: float
    in_flight: float
    queued: float
    arriving: float
    open_engine_calls: float
    engine_calls: float
    resident_mib: float

    @property
    def busy(self) -> bool:
        """Whether anything is under way."""
        return any((self.in_flight, self.queued, self.arriving, self.open_engine_calls, self.engine_calls))

    def as_json(self) -> dict[str, float]:
        """The counts by name."""
        return {name: round(value, 1) for name, value in asdict(self).items()}


def settled(engine: Child, gateway: Child) -> Idle:
    """Wait until nothing is under way, or time is up, and look."""
    time.sleep(IDLE_SECONDS)
    deadline = time.monotonic() + SETTLE_SECONDS
    while _look(engine, gateway).busy and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    looks = []
    for _ in range(_LOOKS):
        looks.append(asdict(_look(engine, gateway)))
        time.sleep(_POLL_SECONDS)
    return Idle(**{name: min(look[name] for look in looks) for name in looks[0]})


def difference(before: Idle, after: Idle) -> dict[str, float]:
    """After less before, of each count."""
    was, now = before.as_json(), after.as_json()
    return {name: round(now[name] - was[name], 1) for name in was}


def left_behind(before: Idle, after: Idle) -> list[str]:
    """What is more than it was, in words; memory is told by its slope, and not judged here."""
    grown = {name: by for name, by in difference(before, after).items() if by > 0 and name != "resident_mib"}
    return [f"{by:g} more {name.replace('_', ' ')}" for name, by in grown.items()]


def _look(engine: Child, gateway: Child) -> Idle:
    with httpx.Client(timeout=10.0, trust_env=False) as client:
        counts = client.get(f"{engine.address.url}/counts").json()
        metrics = client.get(f"{gateway.address.url}/metrics").text
    kept = held(gateway.pid, gateway.address.port, {engine.address.port})
    told = {name: gauge(metrics, series) or 0.0 for name, series in _GAUGES.items()}
    return Idle(**told, **asdict(kept), engine_calls=counts["open"], resident_mib=resident_mib(gateway.pid))
