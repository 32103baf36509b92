"""What the checks of one replica say of it, and how much weight it has in the sharing out of conversations.

Invariant: only checks bring a replica down or up; a call that failed merely casts doubt, which the next check settles.
"""

from collections.abc import Callable
from enum import StrEnum

FAILURES_TO_DOWN = 3
# The share with which a replica begins after its return; nothing at all would leave it without a first conversation.
LEAST_WEIGHT = 0.05


class State(StrEnum):
    """Suspect: it may still be asked, and is checked again soon."""

    UP = "up"
    SUSPECT = "suspect"
    DOWN = "down"


class Health:
    """Suspect at first, since nothing is known of it. After a return its weight grows over ``slow_start_s`` seconds."""

    def __init__(self, clock: Callable[[], float], slow_start_s: float) -> None:
        self.state = State.SUSPECT
        self._clock = clock
        self._slow_start_s = slow_start_s
        self._failures = 0
        self._returned: float | None = None

    @property
    def weight(self) -> float:
        """Between `LEAST_WEIGHT` and 1, the share of new conversations that it is to get relative to others."""
        if self._returned is None or self._slow_start_s <= 0:
            return 1.0
        return min(1.0, max(LEAST_WEIGHT, (self._clock() - self._returned) / self._slow_start_s))

    def passed(self) -> bool:
        """Note a check that was answered well; True where the replica was down."""
        returned = self.state is State.DOWN
        if returned:
            self.returned()
        self.state, self._failures = State.UP, 0
        return returned

    def failed(self) -> bool:
        """Note a check that failed; True where that brings the replica down."""
        self._failures += 1
        was = self.state
        if was is not State.DOWN:
            self.state = State.DOWN if self._failures >= FAILURES_TO_DOWN else State.SUSPECT
        return self.state is not was and self.state is State.DOWN

    def doubted(self) -> None:
        """Note that a call failed in a way that may mean the replica's end."""
        if self.state is State.UP:
            self.state = State.SUSPECT

    def returned(self) -> None:
        """Begin the slow start: the replica works again after it did not."""
        self._returned = self._clock()
