"""Slots on an event loop: cancellation, leaving, displacement and lateness, at whatever moment they come."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import ApiError, Busy, ClientLeft, TooManyAtOnce
from service.limits import NO_LIMITS, ClientLimits
from service.metrics import Metrics
from service.slots import Slots


def slots(size: int, queue: int, wait_s: float = 30.0) -> Slots:
    return Slots(size, queue, wait_s, 2, Metrics())


async def forever() -> None:
    await asyncio.Event().wait()


class Guests:
    """Requests that hold a slot until they are let go."""

    def __init__(self, gate: Slots) -> None:
        self.gate = gate
        self.inside: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.leaving: dict[int, asyncio.Event] = {}
        self.going: dict[int, asyncio.Event] = {}
        self.tasks: list[asyncio.Task[None]] = []

    def come(self, client: str, limits: ClientLimits = NO_LIMITS) -> None:
        number = len(self.tasks)
        self.leaving[number], self.going[number] = asyncio.Event(), asyncio.Event()
        self.tasks.append(asyncio.create_task(self._stay(number, client, limits)))

    def move(self, what: str, number: int) -> None:
        """Have one come, or one that has come go, leave or be cut off."""
        place = number % max(1, len(self.tasks))
        if what == "come":
            self.come("abc"[number % 3], ClientLimits(max_in_flight=1 + number % 2))
        elif self.tasks and what == "cancel":
            self.tasks[place].cancel()
        elif self.tasks:
            (self.going if what == "go" else self.leaving)[place].set()

    async def _stay(self, number: int, client: str, limits: ClientLimits) -> None:
        async def left() -> None:
            await self.leaving[number].wait()

        try:
            async with self.gate.slot(client, limits, left):
                self.inside[client] += 1
                try:
                    await self.going[number].wait()
                finally:
                    self.inside[client] -= 1
            self.ended["served"] += 1
        except (Busy, TooManyAtOnce, ClientLeft) as error:
            self.ended[type(error).__name__] += 1


async def settled() -> None:
    for _ in range(12):
        await asyncio.sleep(0)


moves = st.lists(
    st.tuples(st.sampled_from(("come", "go", "leave", "cancel")), st.integers(0, 30), st.booleans()), max_size=40
)


@given(st.integers(1, 3), st.integers(0, 4), moves)
def test_every_slot_is_there_again_whatever_happened(size: int, queue: int, made: list[tuple[str, int, bool]]) -> None:
    async def scene() -> None:
        gate = slots(size, queue)
        guests = Guests(gate)
        for move, number, pause in made:
            guests.move(move, number)
            if pause:
                await settled()
            assert sum(guests.inside.values()) <= size
        for event in guests.going.values():
            event.set()
        await asyncio.wait_for(asyncio.gather(*guests.tasks, return_exceptions=True), 20)
        assert sum(gate.held(client) for client in "abc") == 0
        late = Guests(gate)
        for _ in range(size):
            late.come("d")
        await settled()
        assert late.inside["d"] == gate.held("d") == size
        for event in late.going.values():
            event.set()
        await asyncio.gather(*late.tasks)

    asyncio.run(scene())


async def test_who_is_displaced_is_told_at_once_and_who_displaced_it_is_served_next() -> None:
    guests = Guests(slots(1, 2))
    for _ in range(3):
        guests.come("flood")
        await settled()
    guests.come("calm")
    await settled()
    assert guests.ended == {"Busy": 1}
    assert guests.tasks[2].done()
    guests.going[0].set()
    await settled()
    assert guests.inside == {"flood": 0, "calm": 1}
    for event in guests.going.values():
        event.set()
    await asyncio.gather(*guests.tasks)
    assert guests.ended == {"Busy": 1, "served": 3}


@pytest.mark.parametrize(("most", "error"), [(1, TooManyAtOnce), (None, Busy)])
async def test_who_waited_too_long_is_told_whose_bound_it_met(most: int | None, error: type[ApiError]) -> None:
    gate, limits = slots(1 if most is None else 2, 1, wait_s=0.01), ClientLimits(max_in_flight=most)
    async with gate.slot("a", limits, forever):
        with pytest.raises(error):
            async with gate.slot("a", limits, forever):
                raise AssertionError("there is no slot for it")
        assert gate.held("a") == 1
    assert gate.held("a") == 0


async def test_bodies_that_arrive_are_shared_as_places_are() -> None:
    gate = slots(1, 1)
    ended: list[str] = []

    async def send(client: str) -> None:
        try:
            async with gate.arriving(client, NO_LIMITS):
                await forever()
        except Busy as refusal:
            ended.append(f"{client}: {refusal.message}")

    sending = [asyncio.create_task(send("flood")) for _ in range(3)]
    await settled()
    assert ended == ["flood: too many bodies are arriving"]
    sending.append(asyncio.create_task(send("calm")))
    await settled()
    assert ended[1:] == ["flood: the queue is full, and this client has more than its share of it"]
    assert [task.done() for task in sending] == [False, True, True, False]
    for task in sending:
        task.cancel()
    await asyncio.gather(*sending, return_exceptions=True)


async def test_a_body_that_ends_in_an_error_of_its_own_keeps_it() -> None:
    gate = slots(1, 1)
    with pytest.raises(TimeoutError, match="its own"):
        async with gate.arriving("a", NO_LIMITS):
            raise TimeoutError("its own")
