import pytest

from loadtest.connection import Address, Connections, RawReply
from loadtest.load import Asker, closed_loop, open_loop, schedule
from loadtest.standin.server import Delays, listening
from loadtest.targets import TARGETS

ENGINE = TARGETS[0]


def right(reply: RawReply) -> str | None:
    return ENGINE.fault("json", reply)


def wrong(_: RawReply) -> str | None:
    return "not what was wanted"


def asker(port: int, fault: object = right) -> Asker:
    address = Address("127.0.0.1", port)
    return Asker(Connections(address), ENGINE.request(address, "json"), right if fault is right else wrong)


def test_the_schedule_is_even_and_bounded_in_number_and_in_time() -> None:
    assert schedule(4.0, 100, 1.0) == [0.0, 0.25, 0.5, 0.75]
    assert schedule(4.0, 3, 1.0) == [0.0, 0.25, 0.5]
    assert schedule(0.1, 100, 1.0) == [0.0]


async def test_a_closed_loop_puts_just_so_many_requests() -> None:
    async with listening(0, Delays()) as port:
        one = asker(port)
        load = await closed_loop(one, concurrency=3, requests=10, seconds=30.0)
        one.connections.close()
    assert (len(load.latencies_ms), load.sent, load.faults.total()) == (10, 10, 0)
    assert load.seconds > 0


async def test_a_closed_loop_ends_with_its_time() -> None:
    async with listening(0, Delays(answer_seconds=0.02)) as port:
        one = asker(port)
        load = await closed_loop(one, concurrency=2, requests=1_000_000, seconds=0.1)
        one.connections.close()
    assert 2 <= load.sent <= 12


async def test_an_open_loop_counts_from_when_a_request_was_due() -> None:
    async with listening(0, Delays(answer_seconds=0.05)) as port:
        one = asker(port)
        load = await open_loop(one, [-1.0, 0.0, 0.01])
        one.connections.close()
    late, *others = sorted(load.latencies_ms, reverse=True)
    assert late >= 1050
    assert all(50 <= latency < late for latency in others)
    assert len(load.send_lags_ms) == 3


async def test_an_open_loop_does_not_wait_for_replies() -> None:
    async with listening(0, Delays(answer_seconds=0.5)) as port:
        one = asker(port)
        load = await open_loop(one, [number / 100 for number in range(20)])
        one.connections.close()
    assert len(load.latencies_ms) == 20
    assert load.seconds < 5  # one after the other they would have taken ten


async def test_wrong_replies_are_told_apart_from_right_ones() -> None:
    async with listening(0, Delays()) as port:
        one = asker(port, wrong)
        load = await closed_loop(one, concurrency=1, requests=4, seconds=30.0)
        one.connections.close()
    assert (load.latencies_ms, dict(load.faults), load.sent) == ([], {"not what was wanted": 4}, 4)


async def test_a_server_that_is_away_is_a_fault() -> None:
    async with listening(0, Delays()) as port:
        pass
    load = await open_loop(asker(port), [0.0])
    [(fault, number)] = load.faults.items()
    assert (fault.startswith("no connection"), number) == (True, 1)


@pytest.mark.parametrize("due", [[0.0], [0.0, 0.0, 0.0]])
async def test_every_request_of_a_schedule_is_put(due: list[float]) -> None:
    async with listening(0, Delays()) as port:
        one = asker(port)
        load = await open_loop(one, due)
        one.connections.close()
    assert load.sent == len(due)
