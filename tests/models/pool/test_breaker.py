"""The breaker against a model of it, on a clock of the test's own."""

from random import Random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from models.pool.breaker import CAP_SECONDS, Breaker, BreakerState


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock, failures: int = 3) -> Breaker:
    breaker = Breaker(clock, Random(1), failures=failures)
    for _ in range(failures):
        breaker.failed(probe=breaker.begin())
    return breaker


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker(Clock(), Random(1), failures=3)
    for ends_well in (False, False, True, False, False):
        probe = breaker.begin()
        if ends_well:
            breaker.succeeded(probe=probe)
        else:
            breaker.failed(probe=probe)
    assert breaker.state is BreakerState.CLOSED
    breaker.failed(probe=False)
    assert (breaker.state, breaker.admits()) == (BreakerState.OPEN, False)


def test_pauses_double_up_to_a_cap_and_are_jittered_within_their_upper_half() -> None:
    clock = Clock()
    breaker = opened(clock)
    pauses = []
    for _ in range(9):
        began = clock.now
        while breaker.state is BreakerState.OPEN:
            clock.now += 0.01
        pauses.append(clock.now - began)
        breaker.failed(probe=breaker.begin())
    for number, pause in enumerate(pauses):
        full = min(CAP_SECONDS, 0.5 * 2**number)
        assert full / 2 <= pause <= full + 0.02
    assert len({round(pause / min(CAP_SECONDS, 0.5 * 2**n), 3) for n, pause in enumerate(pauses)}) > 1


def test_one_probe_at_a_time_decides() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 1
    assert [breaker.admits(), breaker.begin(), breaker.admits(), breaker.begin()] == [True, True, False, False]
    breaker.abandoned(probe=True)
    assert breaker.admits()
    assert breaker.succeeded(probe=breaker.begin()) is True
    assert breaker.state is BreakerState.CLOSED


def test_calls_from_before_it_opened_change_nothing() -> None:
    clock = Clock()
    breaker = Breaker(clock, Random(1), failures=1)
    late = breaker.begin()
    breaker.failed(probe=breaker.begin())
    assert breaker.succeeded(probe=late) is False
    assert breaker.state is BreakerState.OPEN


def test_a_sign_of_return_cuts_the_pause_short() -> None:
    breaker = opened(Clock())
    breaker.probe_now()
    assert breaker.state is BreakerState.HALF_OPEN


@pytest.mark.parametrize("openings", [1, 2000])
def test_however_often_it_opened_the_pause_is_bounded(openings: int) -> None:
    clock = Clock()
    breaker = opened(clock, failures=1)
    for _ in range(openings):
        clock.now += CAP_SECONDS
        breaker.failed(probe=breaker.begin())
    clock.now += CAP_SECONDS
    assert breaker.state is BreakerState.HALF_OPEN


class Machine(RuleBasedStateMachine):
    """Any order of calls, ends and passing time."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = Breaker(self.clock, Random(0), failures=3)
        self.open: list[bool] = []

    @rule()
    @precondition(lambda self: self.breaker.admits())
    def begin(self) -> None:
        half_open = self.breaker.state is BreakerState.HALF_OPEN
        self.open.append(self.breaker.begin())
        assert self.open[-1] is half_open

    @rule(ends=st.sampled_from(["succeeded", "failed", "abandoned"]), data=st.data())
    @precondition(lambda self: self.open)
    def end(self, ends: str, data: st.DataObject) -> None:
        probe = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        was = self.breaker.state
        getattr(self.breaker, ends)(probe=probe)
        now = self.breaker.state
        if probe:
            expected = {"succeeded": BreakerState.CLOSED, "failed": BreakerState.OPEN, "abandoned": was}
            assert now is expected[ends]
        else:
            assert now is was or (was, now, ends) == (BreakerState.CLOSED, BreakerState.OPEN, "failed")

    @rule(seconds=st.floats(0, 40))
    def wait(self, seconds: float) -> None:
        was = self.breaker.state
        self.clock.now += seconds
        if self.breaker.state is not was:
            assert (was, self.breaker.state) == (BreakerState.OPEN, BreakerState.HALF_OPEN)

    @invariant()
    def one_probe_at_most(self) -> None:
        assert sum(self.open) <= 1

    @invariant()
    def it_admits_as_its_state_says(self) -> None:
        probing = any(self.open)
        state = self.breaker.state
        assert self.breaker.admits() is (
            state is BreakerState.CLOSED or (state is BreakerState.HALF_OPEN and not probing)
        )


TestMachine = Machine.TestCase
