import pytest

from models.pool.health import LEAST_WEIGHT, Health, State


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def down(clock: Clock, slow_start_s: float = 30.0) -> Health:
    health = Health(clock, slow_start_s)
    for _ in range(3):
        health.failed()
    assert health.state is State.DOWN
    return health


def test_nothing_is_known_at_first_and_the_first_check_settles_it() -> None:
    health = Health(Clock(), 30.0)
    assert (health.state, health.passed(), health.state, health.weight) == (State.SUSPECT, False, State.UP, 1.0)


def test_one_failed_check_casts_doubt_and_three_in_a_row_bring_it_down() -> None:
    health = Health(Clock(), 30.0)
    health.passed()
    seen = []
    for _ in range(4):
        seen.append((health.failed(), health.state))
    assert seen == [(False, State.SUSPECT), (False, State.SUSPECT), (True, State.DOWN), (False, State.DOWN)]


def test_a_passed_check_between_begins_the_count_anew() -> None:
    health = Health(Clock(), 30.0)
    for passes in (False, False, True, False, False):
        if passes:
            health.passed()
        else:
            health.failed()
    assert health.state is State.SUSPECT


def test_a_failed_call_casts_doubt_and_no_more() -> None:
    health = Health(Clock(), 30.0)
    health.passed()
    for _ in range(10):
        health.doubted()
    assert health.state is State.SUSPECT
    health.passed()
    assert (health.state, health.weight) == (State.UP, 1.0)


@pytest.mark.parametrize(("after", "weight"), [(0.0, LEAST_WEIGHT), (7.5, 0.25), (30.0, 1.0), (300.0, 1.0)])
def test_after_its_return_the_weight_grows(after: float, weight: float) -> None:
    clock = Clock()
    health = down(clock)
    assert health.passed() is True
    clock.now += after
    assert health.weight == weight


def test_a_slow_start_may_be_switched_off() -> None:
    health = down(Clock(), slow_start_s=0.0)
    health.passed()
    assert health.weight == 1.0
