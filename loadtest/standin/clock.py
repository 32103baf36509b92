"""Time as an engine needs it: asyncio's own, or a virtual one that goes from event to event without waiting.

Invariant: on the virtual clock events at one moment happen in the order in which they were asked for.
"""

import heapq
import math
from collections.abc import Callable
from typing import Any, Protocol


class Clock(Protocol):
    """What asyncio's event loops offer too."""

    def time(self) -> float:
        """Seconds from some moment on."""

    def call_at(self, when: float, callback: Callable[..., Any], *args: Any) -> object:
        """Call back at that time."""


class VirtualClock:
    """A clock that only ``run`` moves."""

    def __init__(self) -> None:
        self._now = 0.0
        self._events: list[tuple[float, int, Callable[..., Any], tuple[Any, ...]]] = []
        self._asked = 0
        self._stopped = False

    def time(self) -> float:
        """Virtual seconds since the start."""
        return self._now

    def call_at(self, when: float, callback: Callable[..., Any], *args: Any) -> None:
        """Call back when the clock gets there; a time that has passed means now."""
        heapq.heappush(self._events, (max(when, self._now), self._asked, callback, args))
        self._asked += 1

    def stop(self) -> None:
        """Let nothing more happen."""
        self._stopped = True

    def run(self, until: float = math.inf) -> None:
        """Let everything happen that is due by ``until``, in order."""
        while self._events and not self._stopped and self._events[0][0] <= until:
            self._now, _, callback, args = heapq.heappop(self._events)
            callback(*args)
