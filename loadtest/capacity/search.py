"""The greatest rate that a replica holds within an SLO, by doubling and then halving the gap.

Invariant: what is probed depends only on what was held before, from the same start, so that a looser SLO never gives
a lower rate.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from loadtest.capacity.simulate import Replica, Simulated, Slo, simulate

_FIRST, _LEAST = 0.25, 1 / 1024


@dataclass(frozen=True, slots=True)
class Found:
    """The rate that is held and the next one that was tried and is not; 0 where nothing is held."""

    held: float
    refused: float


def greatest_held(holds: Callable[[float], bool], precision: float = 0.02) -> Found:
    """Search to within ``precision`` of the rate (requests a second)."""
    low, high = 0.0, _FIRST
    while holds(high):
        low, high = high, high * 2
    while high - low > precision * high:
        if high <= _LEAST:
            return Found(0.0, high)
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return Found(low, high)


@dataclass(slots=True)
class Search:
    """The search over simulated rates of one replica, each for so many virtual seconds."""

    replica: Replica
    slo: Slo
    seconds: float
    seed: int
    _tried: dict[float, Simulated] = field(default_factory=dict)

    def run(self, probed: Callable[[], None] = lambda: None) -> Found:
        """Search; ``probed`` is called after each rate."""

        def holds(rate: float) -> bool:
            self._tried[rate] = simulate(self.replica, rate, self.seconds, self.slo, self.seed)
            probed()
            return self._tried[rate].held

        return greatest_held(holds)

    def at(self, found: Found) -> Simulated | None:
        """What the greatest rate that is held looked like; None where none is."""
        return self._tried.get(found.held)


def replicas(target_rate: float, held: float, headroom: float) -> int | None:
    """Replicas for ``target_rate`` when each is loaded to ``headroom`` of what it holds; None where it holds nothing.

    The gateway's affinity spreads conversations evenly only on average: that is what the headroom is for.
    """
    return math.ceil(target_rate / (held * headroom)) if held else None
