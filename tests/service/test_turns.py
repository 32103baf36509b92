"""Fairness and conservation of slots and places, without a clock."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from service.limits import NO_LIMITS, ClientLimits
from service.turns import State, Ticket, Turns

CLIENTS = ("a", "b", "c", None)


class Desk:
    """Turns and every ticket that was ever given, with what it was told."""

    def __init__(self, slots: int, places: int) -> None:
        self.turns = Turns(slots, places)
        self.slots = slots
        self.places = places
        self.tickets: list[Ticket] = []
        self.told: Counter[int] = Counter()
        self.waited: set[int] = set()
        self.granted: list[str | None] = []

    def join(self, client: str | None, limits: ClientLimits = NO_LIMITS) -> Ticket | None:
        number = len(self.tickets)

        def told() -> None:
            self.told[number] += 1
            if self.tickets[number].state is State.HELD:
                self.granted.append(client)

        expected = self.turns.admits(client, limits)
        ticket = self.turns.join(client, limits, told)
        assert (ticket is not None) is expected
        if ticket is not None:
            self.tickets.append(ticket)
            if ticket.state is State.WAITING:
                self.waited.add(number)
        return ticket

    def of(self, *states: State) -> list[Ticket]:
        return [ticket for ticket in self.tickets if ticket.state in states]

    def waiting(self) -> Counter[str | None]:
        return Counter(ticket.share.client for ticket in self.of(State.WAITING))

    def next(self) -> str | None:
        """Have the longest holder end; return whose turn came."""
        seen = len(self.granted)
        self.turns.leave(self.of(State.HELD)[0])
        [client] = self.granted[seen:]
        return client

    def check(self) -> None:
        held, waiting = self.of(State.HELD), self.of(State.WAITING)
        assert (len(held), len(waiting)) == (self.turns.held, self.turns.waiting)
        assert len(held) <= self.slots
        assert len(waiting) <= self.places
        if len(held) < self.slots:
            assert all(ticket.share.bounded for ticket in waiting)
        for share in self.turns.shares:
            assert share.held == sum(ticket.share is share for ticket in held)
            assert list(share.waiting) == [ticket for ticket in waiting if ticket.share is share]
        assert all(count == 1 for count in self.told.values())
        assert set(self.told) <= self.waited
        settled = {n for n in self.waited if self.tickets[n].state in (State.HELD, State.DISPLACED)}
        assert settled <= set(self.told)


limits = st.builds(
    ClientLimits,
    max_in_flight=st.none() | st.integers(1, 3),
    weight=st.sampled_from((0.5, 1.0, 2.0, 3.0)),
)
steps = st.lists(
    st.tuples(st.just("join"), st.sampled_from(CLIENTS), limits) | st.tuples(st.just("leave"), st.integers(0, 60)),
    max_size=80,
)


@given(st.integers(0, 3), st.integers(0, 6), steps)
def test_no_slot_or_place_is_lost_or_given_twice(slots: int, places: int, taken: list[tuple[object, ...]]) -> None:
    desk = Desk(slots, places)
    for step in taken:
        if step[0] == "join":
            assert step[1] is None or isinstance(step[1], str)
            assert isinstance(step[2], ClientLimits)
            desk.join(step[1], step[2])
        elif desk.tickets:
            assert isinstance(step[1], int)
            desk.turns.leave(desk.tickets[step[1] % len(desk.tickets)])
        desk.check()
    for ticket in desk.tickets:
        desk.turns.leave(ticket)
        desk.turns.leave(ticket)
    desk.check()
    assert (desk.turns.held, desk.turns.waiting, list(desk.turns.shares)) == (0, 0, [])


@given(st.lists(st.sampled_from((0.5, 1.0, 2.0, 4.0)), min_size=2, max_size=4), st.integers(1, 5), st.integers(2, 60))
def test_clients_that_always_wait_get_slots_by_their_weights(weights: list[float], slots: int, grants: int) -> None:
    desk = Desk(slots, 10_000)
    for _ in range(slots):
        desk.join("first")
    for client, weight in enumerate(weights):
        for _ in range(grants + 1):
            desk.join(str(client), ClientLimits(weight=weight))
    got: Counter[str | None] = Counter()
    for _ in range(grants):
        got[desk.next()] += 1
        parts = [got[str(client)] / weight for client, weight in enumerate(weights)]
        # Start-time fair queueing: no two clients that wait drift apart by more than a grant of each.
        for one, (part, weight) in enumerate(zip(parts, weights, strict=True)):
            for other in range(one):
                assert abs(part - parts[other]) <= 1 / weight + 1 / weights[other] + 1e-9


@given(st.integers(1, 4), st.integers(1, 40), st.sampled_from((0.1, 1.0, 100.0)))
def test_the_first_request_of_a_newcomer_is_next(slots: int, flood: int, weight: float) -> None:
    desk = Desk(slots, 100)
    for _ in range(slots + flood):
        desk.join("flood", ClientLimits(weight=weight))
    for _ in range(min(3, flood - 1)):
        assert desk.next() == "flood"
    desk.join("other")
    assert desk.next() == "other"


def test_one_client_is_served_as_it_came() -> None:
    desk = Desk(1, 10)
    tickets = [desk.join(None) for _ in range(6)]
    for place in range(5):
        desk.next()
        assert tickets[place + 1] is not None
        assert desk.of(State.HELD) == [tickets[place + 1]]


def test_a_full_queue_is_shared_and_nobody_loses_its_only_place() -> None:
    desk = Desk(1, 4)
    for _ in range(5):
        assert desk.join("flood") is not None
    assert desk.join("flood") is None
    assert desk.join("b") is not None
    assert desk.waiting() == {"flood": 3, "b": 1}
    assert [ticket.state for ticket in desk.tickets[:5]] == [State.HELD, *[State.WAITING] * 3, State.DISPLACED]
    assert desk.join("b") is not None
    assert desk.join("b") is None
    assert desk.waiting() == {"flood": 2, "b": 2}
    assert desk.join("c") is not None
    assert desk.join("d") is not None
    assert desk.waiting() == {"flood": 1, "b": 1, "c": 1, "d": 1}
    assert desk.join("e") is None
    assert not desk.turns.admits("flood", NO_LIMITS)
    desk.check()


def test_places_go_by_weight_too() -> None:
    desk = Desk(1, 8)
    for _ in range(9):
        desk.join("light")
    for _ in range(9):
        desk.join("heavy", ClientLimits(weight=3))
    assert desk.waiting() == {"light": 2, "heavy": 6}


def test_who_is_at_its_own_bound_waits_while_others_pass() -> None:
    desk = Desk(3, 10)
    two = ClientLimits(max_in_flight=2)
    mine = [desk.join("a", two) for _ in range(4)]
    assert [ticket.state for ticket in desk.tickets] == [State.HELD] * 2 + [State.WAITING] * 2
    assert desk.turns.bounded("a")
    other = desk.join("b")
    assert other is not None
    assert other.state is State.HELD
    assert mine[0] is not None
    desk.turns.leave(mine[0])
    assert desk.granted == ["a"]
    desk.check()


def test_a_bound_that_is_raised_lets_in_who_waited_for_it_first() -> None:
    desk = Desk(3, 10)
    for _ in range(2):
        desk.join("a", ClientLimits(max_in_flight=1))
    desk.join("a", ClientLimits(max_in_flight=2))
    assert [ticket.state for ticket in desk.tickets] == [State.HELD, State.HELD, State.WAITING]


def test_having_been_held_back_by_its_own_bound_earns_a_client_one_turn() -> None:
    desk = Desk(1, 50)
    desk.join("b")
    for _ in range(12):
        desk.join("b")
    bounded = desk.join("a", ClientLimits(max_in_flight=1))
    assert bounded is not None
    assert desk.next() == "a"
    for _ in range(5):
        desk.join("a", ClientLimits(max_in_flight=1))
    assert [desk.next() for _ in range(6)] == ["b", "a"] * 3


def test_clients_that_are_gone_are_forgotten() -> None:
    desk = Desk(2, 5)
    desk.join("stays")
    for number in range(200):
        ticket = desk.join(f"client-{number}")
        assert ticket is not None
        desk.turns.leave(ticket)
        again = desk.join("regular")
        assert again is not None
        desk.turns.leave(again)
    assert len(list(desk.turns.shares)) <= 3
