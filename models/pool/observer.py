"""What a pool tells of itself while it works, for counters and gauges.

Invariant: engines are told apart by their configured names, all else by closed sets; no URL and no text goes out.
"""

from enum import StrEnum
from typing import Protocol

from models.pool.breaker import BreakerState
from models.pool.health import State
from models.pool.moves import Move


class Ended(StrEnum):
    """How a call to one replica ended. ``refused`` is the engine's word against the request itself."""

    ANSWERED = "answered"
    REFUSED = "refused"
    BUSY = "busy"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Hedge(StrEnum):
    """What became of a slow verdict call: the second call won, the first did, or no second one could be had."""

    WON = "won"
    LOST = "lost"
    WITHHELD = "withheld"


class Observer(Protocol):
    """Hears of a pool; every method returns at once and never raises."""

    def call_opened(self, engine: str) -> None:
        """A call to a replica begins."""

    def call_ended(self, engine: str, ended: Ended) -> None:
        """It has ended."""

    def moved(self, reason: Move) -> None:
        """A call goes to another replica than its conversation's."""

    def hedged(self, result: Hedge) -> None:
        """A one-token call was slow."""

    def last_resort(self) -> None:
        """A call goes to a replica that should be left alone for a while, since every one should."""

    def state(self, engine: str, health: State, breaker: BreakerState) -> None:
        """What is thought of a replica now."""


class Silent:
    """An observer who tells nobody."""

    def call_opened(self, engine: str) -> None:
        """Nothing."""

    def call_ended(self, engine: str, ended: Ended) -> None:
        """Nothing."""

    def moved(self, reason: Move) -> None:
        """Nothing."""

    def hedged(self, result: Hedge) -> None:
        """Nothing."""

    def last_resort(self) -> None:
        """Nothing."""

    def state(self, engine: str, health: State, breaker: BreakerState) -> None:
        """Nothing."""
