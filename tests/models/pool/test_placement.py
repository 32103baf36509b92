"""Which replica a conversation goes to, on a clock of the test's own and without any engine."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.engine import EngineUnavailable
from models.pool.breaker import Breaker
from models.pool.health import Health
from models.pool.moves import Move
from models.pool.placement import MOST_REMEMBERED, REMEMBERED_SECONDS, Placement, is_far_busier
from models.pool.replica import Address, Replica
from models.vllm import VLLMEngine
from tests.models.pool.several import Recorder

KEYS = [number.to_bytes(4, "big") for number in range(2000)]


class Fixture:
    """Replicas that are up, and a placement over them."""

    def __init__(self, replicas: int) -> None:
        self.now = 1000.0
        self.told = Recorder()
        self.replicas = [self._replica(number) for number in range(replicas)]
        self.placement = Placement(self.replicas, self.told, self.clock)

    def clock(self) -> float:
        return self.now

    def first(self, key: bytes) -> Replica:
        return self.placement.order(key, "m")[0]

    def bring_down(self, replica: Replica) -> None:
        for _ in range(3):
            replica.health.failed()

    def _replica(self, number: int) -> Replica:
        address = Address(str(number), f"http://engine-{number}:8001")
        probe = VLLMEngine(address.url, "")
        breaker = Breaker(self.clock, Random(number))
        replica = Replica(address, probe, Health(self.clock, 30.0), breaker, self.told, self.clock)
        replica.health.passed()
        return replica

    async def aclose(self) -> None:
        for replica in self.replicas:
            await replica.aclose()


@pytest.mark.parametrize(("after", "share"), [(0.0, 0.05 / 2.05), (15.0, 0.5 / 2.5), (30.0, 1 / 3)])
async def test_after_its_return_a_replica_gets_a_growing_share_of_new_conversations(after: float, share: float) -> None:
    fixture = Fixture(3)
    back = fixture.replicas[0]
    fixture.bring_down(back)
    assert all(fixture.first(key) is not back for key in KEYS[:100])
    back.health.passed()
    fixture.now += after
    assert sum(fixture.first(key) is back for key in KEYS) / len(KEYS) == pytest.approx(share, abs=0.03)
    await fixture.aclose()


async def test_a_conversation_that_had_to_leave_stays_away_for_a_while_however_often_it_is_answered_there() -> None:
    fixture = Fixture(2)
    key = KEYS[0]
    home, other = fixture.placement.order(key, "m")
    fixture.placement.settled(key, other)
    assert fixture.placement.order(key, "m") == [other, home]
    fixture.now += REMEMBERED_SECONDS / 2
    fixture.placement.settled(key, other)
    assert fixture.placement.order(key, "m") == [other, home]
    fixture.now += REMEMBERED_SECONDS / 2 + 1
    assert fixture.placement.order(key, "m") == [home, other]
    assert fixture.told.moves == []
    await fixture.aclose()


async def test_gateways_that_saw_different_turns_choose_alike_through_a_death_and_a_return() -> None:
    ours, theirs = Fixture(3), Fixture(3)
    keys = KEYS[:300]

    def turn(seen_by: Fixture) -> list[str]:
        """Every conversation is answered by one gateway; the names of the engines that both would choose."""
        for key in keys:
            seen_by.placement.settled(key, seen_by.first(key))
        chosen = [[fixture.first(key).name for key in keys] for fixture in (ours, theirs)]
        assert chosen[0] == chosen[1]
        return chosen[0]

    before = turn(ours)
    for fixture in (ours, theirs):
        fixture.bring_down(fixture.replicas[0])
    during = turn(theirs)
    assert [a for a, b in zip(before, during, strict=True) if a != b] == ["0"] * before.count("0")
    for fixture in (ours, theirs):
        fixture.replicas[0].health.passed()
    back = []
    for seen_by in (ours, theirs, ours, theirs):
        back.append(turn(seen_by).count("0"))
        for fixture in (ours, theirs):
            fixture.now += 10.0
    assert back[0] < back[1] < back[2] < back[3]
    assert turn(ours) == before
    for fixture in (ours, theirs):
        await fixture.aclose()


async def test_a_move_is_told_by_what_bars_the_conversations_own_replica() -> None:
    fixture = Fixture(2)
    key = KEYS[0]
    home = fixture.first(key)
    fixture.placement.settled(key, home)
    home.rest(5.0)
    assert fixture.first(key) is not home
    fixture.now += 6.0
    assert fixture.first(key) is home
    for _ in range(5):
        home.breaker.failed(probe=False)
    assert fixture.first(key) is not home
    fixture.bring_down(home)
    assert fixture.first(key) is not home
    assert fixture.told.moves == [Move.BUSY, Move.BREAKER, Move.DOWN]
    await fixture.aclose()


async def test_a_replica_that_is_far_busier_than_the_others_is_relieved() -> None:
    fixture = Fixture(2)
    key = KEYS[0]
    home, other = fixture.placement.order(key, "m")
    home.in_flight = 16
    assert fixture.first(key) is other
    other.in_flight = 12
    assert fixture.first(key) is home
    assert fixture.told.moves == [Move.LOAD]
    await fixture.aclose()


async def test_one_hot_conversation_is_spread_over_the_replicas() -> None:
    fixture = Fixture(3)
    for _ in range(90):
        chosen = fixture.first(KEYS[0])
        chosen.in_flight += 1
        fixture.placement.settled(KEYS[0], chosen)
    assert max(replica.in_flight for replica in fixture.replicas) <= 46
    assert min(replica.in_flight for replica in fixture.replicas) >= 10
    await fixture.aclose()


@given(st.lists(st.integers(0, 500), min_size=2, max_size=8))
def test_never_are_all_far_busier_than_their_mean(in_flight: list[int]) -> None:
    assert not all(is_far_busier(one, sum(in_flight), len(in_flight)) for one in in_flight)
    assert not is_far_busier(min(in_flight), sum(in_flight), len(in_flight))


async def test_memory_is_bounded() -> None:
    fixture = Fixture(2)
    for number in range(MOST_REMEMBERED + 100):
        key = number.to_bytes(4, "big")
        fixture.placement.settled(key, fixture.placement.order(key, "m")[1])
    assert len(fixture.placement._homes) == MOST_REMEMBERED
    await fixture.aclose()


async def test_where_all_are_down_there_is_no_order() -> None:
    fixture = Fixture(2)
    for replica in fixture.replicas:
        fixture.bring_down(replica)
    with pytest.raises(EngineUnavailable, match="no engine can be reached"):
        fixture.first(KEYS[0])
    await fixture.aclose()
