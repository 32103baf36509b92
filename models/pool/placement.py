"""Which replicas a call may go to, in order: the conversation's own first.

Invariant: a conversation goes by weighted rendezvous, so that all gateways choose alike, whatever each has seen of it;
only one that had to leave its replica stays away for a little while.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.engine import EngineUnavailable
from models.pool.health import State
from models.pool.moves import Move
from models.pool.observer import Observer
from models.pool.rendezvous import ranked
from models.pool.replica import Replica

# Long enough for the steps of a request to stay together, short enough that gateways soon agree again.
REMEMBERED_SECONDS = 30.0
MOST_REMEMBERED = 16_384
# Conversations are spread unevenly by any hash: only what is clearly out of proportion is worth a cold prefix.
_FAR_BUSIER = 1.5
_LEAST_BUSY_CALLS = 16
RETRY_SECONDS = 2.0


def is_far_busier(in_flight: int, total: int, replicas: int) -> bool:
    """Whether one more call would leave a replica with far more open calls than the mean of all of them.

    The bound of consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam 2018), with a factor of 1.5.
    """
    return in_flight >= _LEAST_BUSY_CALLS and in_flight + 1 > _FAR_BUSIER * (total + 1) / replicas


@dataclass(frozen=True, slots=True)
class _Home:
    """Where a conversation was last answered; ``since`` when, if that is ``away`` from its own replica."""

    replica: Replica
    since: float
    away: bool

    def holds(self, now: float) -> bool:
        """Whether the conversation is still to stay away from its own replica."""
        return self.away and now - self.since <= REMEMBERED_SECONDS


class Placement:
    """Remembers where conversations were answered, the latest `MOST_REMEMBERED` of them."""

    def __init__(
        self, replicas: Sequence[Replica], observer: Observer, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._replicas = {replica.url: replica for replica in replicas}
        self._observer = observer
        self._clock = clock
        self._homes: OrderedDict[bytes, _Home] = OrderedDict()

    @property
    def alone(self) -> bool:
        """Whether there is but one replica, and so nothing to choose."""
        return len(self._replicas) == 1

    def order(self, key: bytes, model: str) -> list[Replica]:
        """The replicas to ask, best first. Raises `EngineUnavailable` where every one is down.

        A lone replica is asked whatever is thought of it, since nothing better is at hand. Where all that are not down
        should be left alone, the one that the key prefers is asked all the same. A replica that does not list ``model``
        is left out if another lists it.
        """
        if self.alone:
            return list(self._replicas.values())
        usable = [replica for replica in self._replicas.values() if replica.health.state is not State.DOWN]
        if not usable:
            raise EngineUnavailable("no engine can be reached", retry_after=RETRY_SECONDS)
        admitted = [replica for replica in usable if replica.bar() is None]
        if not admitted:
            self._observer.last_resort()
            return self._ranked(key, usable)[:1]
        listing = [replica for replica in admitted if model in replica.served] or admitted
        return self._relieved(self._homeward(key, self._ranked(key, listing)))

    def settled(self, key: bytes, replica: Replica) -> None:
        """Remember where a call was answered, and whether that is away from the conversation's own replica.

        One whose own replica is down has another of its own meanwhile, and comes back as that one's weight grows: every
        gateway sees so for itself, where a memory would be different in each.
        """
        if self.alone:
            return
        usable = [other for other in self._replicas.values() if other.health.state is not State.DOWN]
        away = bool(usable) and replica is not self._ranked(key, usable)[0]
        known, now = self._homes.get(key), self._clock()
        stays = known is not None and known.replica is replica and known.holds(now)
        self._homes[key] = _Home(replica, known.since if known is not None and stays else now, away)
        self._homes.move_to_end(key)
        if len(self._homes) > MOST_REMEMBERED:
            self._homes.popitem(last=False)

    def _ranked(self, key: bytes, replicas: Sequence[Replica]) -> list[Replica]:
        weights = {replica.url: replica.health.weight for replica in replicas}
        return [self._replicas[url] for url in ranked(key, weights)]

    def _homeward(self, key: bytes, order: list[Replica]) -> list[Replica]:
        """The same, but first where the conversation stays for a while; tells of one that may not stay."""
        home = self._homes.get(key)
        if home is None:
            return order
        reason = home.replica.bar()
        if reason is not None:
            self._observer.moved(reason)
        if home.replica not in order or not home.holds(self._clock()):
            return order
        return [home.replica, *(replica for replica in order if replica is not home.replica)]

    def _relieved(self, order: list[Replica]) -> list[Replica]:
        total = sum(replica.in_flight for replica in order)
        if not is_far_busier(order[0].in_flight, total, len(order)):
            return order
        self._observer.moved(Move.LOAD)
        free = next(r for r in order if not is_far_busier(r.in_flight, total, len(order)))
        return [free, *(replica for replica in order if replica is not free)]
