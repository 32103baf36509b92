"""The way of one call from replica to replica until one begins to answer.

Invariant: a call is sent at most `MOST_CALLS` times, retries at the last replica included, and never again once its
answer has begun.
"""

from collections.abc import Sequence

from models.engine import EngineError
from models.pool.moves import Move, reason_of
from models.pool.observer import Observer
from models.pool.replica import Call, Replica

MOST_CALLS = 3


class Route:
    """Goes through ``order``, leaving out what may not be asked any more when its turn comes."""

    def __init__(self, order: Sequence[Replica], observer: Observer) -> None:
        self._here, *self._left = order[:MOST_CALLS]
        self._observer = observer
        self.calls = 1
        """How many replicas have been asked, the present one included."""

    @property
    def replica(self) -> Replica:
        """Where the call is to be sent now."""
        return self._here

    @property
    def alternative(self) -> Replica | None:
        """Where it would go next."""
        return next((replica for replica in self._left if replica.bar() is None), None)

    @property
    def retries(self) -> int:
        """How often it may be sent to this replica again: not at all while there is another."""
        return 0 if self.alternative is not None else MOST_CALLS - self.calls

    def call(self) -> Call:
        """Open the call to the present replica."""
        return self._here.call()

    def patience(self, seconds: float | None) -> float | None:
        """``seconds`` to wait for the first byte; no limit of ours where nobody else could be asked."""
        return seconds if self.alternative is not None else None

    def move_on(self, error: EngineError) -> None:
        """Go on to the next replica after ``error``. Raises it where that may not be or there is none."""
        error.engine = self._here.name
        reason = reason_of(error)
        if reason is None or not self.move(reason):
            raise error

    def move(self, reason: Move) -> bool:
        """Go on to the next replica; False where there is none."""
        following = self.alternative
        if following is None:
            return False
        self._left = self._left[self._left.index(following) + 1 :]
        self._here = following
        self.calls += 1
        self._observer.moved(reason)
        return True
