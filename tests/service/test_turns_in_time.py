"""How long a calm client waits beside one that floods, on a virtual clock."""

import heapq
import random
import statistics
from collections.abc import Callable

import pytest

from service.limits import NO_LIMITS
from service.turns import State, Ticket, Turns

SLOTS, PLACES, CALM = 8, 64, 200
MEAN_SERVICE_SECONDS = 4.0
FLOOD_EVERY_SECONDS, CALM_EVERY_SECONDS = 0.1, 5.0


class Scene:
    """A flood at twenty times what the slots hold, and a calm client whose waits are measured, in seconds."""

    def __init__(self, calm: str) -> None:
        self.waits: list[float] = []
        self.refused = 0
        self._calm = calm
        self._chance = random.Random(0)
        self._turns = Turns(SLOTS, PLACES)
        self._now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = iter(range(10**9))

    def run(self) -> None:
        self._at(0.0, self._flood)
        for number in range(CALM):
            self._at(60.0 + number * CALM_EVERY_SECONDS, self._come_calmly)
        while len(self.waits) + self.refused < CALM:
            self._now, _, what = heapq.heappop(self._events)
            what()

    def _at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), what))

    def _flood(self) -> None:
        self._come("flood", lambda: None)
        self._at(self._now + FLOOD_EVERY_SECONDS, self._flood)

    def _come_calmly(self) -> None:
        came = self._now
        if not self._come(self._calm, lambda: self.waits.append(self._now - came)):
            self.refused += 1

    def _come(self, client: str, served: Callable[[], None]) -> bool:
        def told() -> None:
            if tickets[0].state is State.HELD:
                self._serve(tickets[0], served)

        tickets: list[Ticket] = []
        ticket = self._turns.join(client, NO_LIMITS, told)
        if ticket is None:
            return False
        tickets.append(ticket)
        if ticket.state is State.HELD:
            self._serve(ticket, served)
        return True

    def _serve(self, ticket: Ticket, served: Callable[[], None]) -> None:
        served()
        seconds = self._chance.expovariate(1 / MEAN_SERVICE_SECONDS)
        self._at(self._now + seconds, lambda: self._turns.leave(ticket))


def test_a_calm_client_gets_the_next_slot_that_is_freed() -> None:
    scene = Scene("calm")
    scene.run()
    assert scene.refused == 0
    # One of eight slots is freed every half second, and its median wait is for that one: 0.35 s beside services of 4 s.
    assert statistics.median(scene.waits) == pytest.approx(0.35, abs=0.15)
    assert max(scene.waits) < MEAN_SERVICE_SECONDS


def test_without_keys_it_would_wait_behind_the_flood() -> None:
    scene = Scene("flood")
    scene.run()
    assert scene.refused > CALM / 2
    assert statistics.median(scene.waits) > 20.0
