"""Whose turn it is: slots, and a bounded queue before them that clients share fairly. No clock, no event loop.

Slots go by start-time fair queueing (Goyal, Vin and Cheng, 1996), each grant costing 1 / weight. Invariant: at most
``slots`` tickets hold one and ``places`` wait; no slot is free while a client below its own bound waits.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from service.limits import ClientLimits


class State(StrEnum):
    """Where a ticket stands; it moves down this list only."""

    WAITING = "waiting"
    HELD = "held"
    DISPLACED = "displaced"
    OVER = "over"


@dataclass(slots=True, eq=False)
class Share:
    """One client's. ``tag`` is the virtual time at which its next grant may begin."""

    client: str | None
    limits: ClientLimits
    tag: float = 0.0
    held: int = 0
    waiting: "dict[Ticket, None]" = field(default_factory=dict)

    @property
    def bounded(self) -> bool:
        """Whether it holds all the slots that it may have."""
        return self.limits.max_in_flight is not None and self.held >= self.limits.max_in_flight

    @property
    def idle(self) -> bool:
        """Whether it holds nothing and waits for nothing."""
        return not self.held and not self.waiting

    def crowd(self, more: int = 0) -> float:
        """Places that it has, and so many more, for its weight."""
        return (len(self.waiting) + more) / self.limits.weight


@dataclass(slots=True, eq=False)
class Ticket:
    """One request's place. ``told`` is called once where a ticket that waits gets its slot or is displaced."""

    share: Share
    number: int
    told: Callable[[], None]
    state: State = State.WAITING


class Turns:
    """``slots`` may be held and ``places`` waited in at a time; without slots it is a queue that nobody is served from.

    A client that comes to a full queue displaces the newest of the client that has most places for its weight, where
    that makes their parts more even or it has no place itself; nobody loses its only place.
    """

    def __init__(self, slots: int, places: int) -> None:
        self.held = 0
        self.waiting = 0
        self._slots = slots
        self._places = places
        self._shares: dict[str | None, Share] = {}
        self._now = 0.0
        self._next_number = 0

    @property
    def shares(self) -> Iterable[Share]:
        """The clients that are remembered: those inside, and those that had more than their turn of late."""
        return self._shares.values()

    @property
    def held_back(self) -> int:
        """How many wait for a slot of their own client's, and would not be helped by one of all."""
        return sum(len(share.waiting) for share in self._shares.values() if share.bounded)

    def held_by(self, client: str | None) -> int:
        """Slots that a client holds."""
        share = self._shares.get(client)
        return 0 if share is None else share.held

    def bounded(self, client: str | None) -> bool:
        """Say whether a client holds all the slots that it may have."""
        share = self._shares.get(client)
        return share is not None and share.bounded

    def admits(self, client: str | None, limits: ClientLimits) -> bool:
        """Say whether ``join`` would take this client now. The limits are the client's from now on."""
        share = self._shares.get(client)
        if share is None:
            share = Share(client, limits)
        else:
            share.limits = limits
            self._serve()
        return self._may_hold(share) or self.waiting < self._places or self._displaceable(share) is not None

    def join(self, client: str | None, limits: ClientLimits, told: Callable[[], None]) -> Ticket | None:
        """Take a slot or a place; None where there is neither. The limits are the client's from now on."""
        share = self._share(client, limits)
        self._serve()  # a bound that was raised lets in those that waited for it
        ticket = Ticket(share, self._next_number, told)
        self._next_number += 1
        if self._may_hold(share):
            share.tag = max(share.tag, self._now)
            self._grant(ticket)
            return ticket
        if self.waiting >= self._places and not self._displace(self._displaceable(share)):
            self._forget()
            return None
        if not share.waiting:
            share.tag = max(share.tag, self._now)
        share.waiting[ticket] = None
        self.waiting += 1
        self._serve()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give back whatever the ticket has; once it is over, nothing."""
        if ticket.state is State.HELD:
            ticket.share.held -= 1
            self.held -= 1
        elif ticket.state is State.WAITING:
            self._remove(ticket)
        ticket.state = State.OVER
        self._serve()
        self._forget()

    def _share(self, client: str | None, limits: ClientLimits) -> Share:
        share = self._shares.get(client)
        if share is None:
            share = self._shares[client] = Share(client, limits)
        share.limits = limits
        return share

    def _may_hold(self, share: Share) -> bool:
        """Whoever waits while a slot is free is held back by a bound of its own, and overtaken by nobody."""
        return self.held < self._slots and not share.bounded

    def _serve(self) -> None:
        while self.held < self._slots:
            ready = [share for share in self._shares.values() if share.waiting and not share.bounded]
            if not ready:
                return
            ticket = min((next(iter(share.waiting)) for share in ready), key=lambda one: (one.share.tag, one.number))
            self._remove(ticket)
            self._grant(ticket)
            ticket.told()

    def _grant(self, ticket: Ticket) -> None:
        """Begin a grant in virtual time; a client that was held back by its own bound gains nothing by that."""
        share = ticket.share
        self._now = max(self._now, share.tag)
        share.tag = self._now + 1 / share.limits.weight
        share.held += 1
        self.held += 1
        ticket.state = State.HELD

    def _remove(self, ticket: Ticket) -> None:
        del ticket.share.waiting[ticket]
        self.waiting -= 1

    def _displaceable(self, newcomer: Share) -> Share | None:
        """Who has to give up a place for this client."""
        several = [share for share in self._shares.values() if len(share.waiting) > 1 and share is not newcomer]
        most = max(several, key=Share.crowd, default=None)
        if most is None or not (not newcomer.waiting or newcomer.crowd(1) < most.crowd()):
            return None
        return most

    def _displace(self, share: Share | None) -> bool:
        if share is None:
            return False
        ticket = next(reversed(share.waiting))
        self._remove(ticket)
        ticket.state = State.DISPLACED
        ticket.told()
        return True

    def _forget(self) -> None:
        """Keep of clients that are gone only what still counts: that they have had more than their turn."""
        if not self.held and not self.waiting:
            self._shares.clear()
            self._now = 0.0
            return
        gone = [name for name, share in self._shares.items() if share.idle and share.tag <= self._now]
        for name in gone:
            del self._shares[name]
