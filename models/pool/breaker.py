"""A circuit breaker: a replica whose calls keep failing is left alone for a while, then tried by one call.

Invariant: after opening, nothing but the outcome of a probe (one call at a time) closes it or opens it for longer.
"""

from collections.abc import Callable
from enum import StrEnum
from random import Random

FAILURES = 5
BASE_SECONDS = 0.5
CAP_SECONDS = 30.0


class BreakerState(StrEnum):
    """Closed lets every call through, open none, half-open one."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Opens after ``failures`` in a row, for `base_s` seconds that double with each failed probe up to `cap_s`.

    Each pause is drawn from its upper half, so that several gateways do not probe at one moment.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        random: Random,
        *,
        failures: int = FAILURES,
        base_s: float = BASE_SECONDS,
        cap_s: float = CAP_SECONDS,
    ) -> None:
        self._clock = clock
        self._random = random
        self._limit = failures
        self._base_s = base_s
        self._cap_s = cap_s
        self._failures = 0
        self._openings = 0
        self._until: float | None = None
        self._probing = False

    @property
    def state(self) -> BreakerState:
        """Where it stands now."""
        if self._until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._clock() < self._until else BreakerState.HALF_OPEN

    def admits(self) -> bool:
        """Whether a call may be sent now."""
        state = self.state
        return state is BreakerState.CLOSED or (state is BreakerState.HALF_OPEN and not self._probing)

    def begin(self) -> bool:
        """Note that a call is sent; True where it is the probe. The caller hands this to what notes its end."""
        if self.state is not BreakerState.HALF_OPEN or self._probing:
            return False
        self._probing = True
        return True

    def succeeded(self, *, probe: bool) -> bool:
        """Note that a call was answered; True where that closed the breaker."""
        if probe:
            self._probing = False
            self._until, self._openings, self._failures = None, 0, 0
            return True
        if self._until is None:
            self._failures = 0
        return False

    def failed(self, *, probe: bool) -> None:
        """Note that a call failed."""
        if probe:
            self._probing = False
            self._open()
        elif self._until is None:
            self._failures += 1
            if self._failures >= self._limit:
                self._open()

    def abandoned(self, *, probe: bool) -> None:
        """Note that a call ended without telling anything of the replica."""
        if probe:
            self._probing = False

    def probe_now(self) -> None:
        """Cut the pause short: there is a sign that the replica has come back."""
        if self._until is not None:
            self._until = min(self._until, self._clock())

    def _open(self) -> None:
        pause = min(self._cap_s, self._base_s * 2.0 ** min(self._openings, 64))
        self._openings += 1
        self._until = self._clock() + self._random.uniform(0.5, 1.0) * pause
