"""An open loop of requests on one simulated replica, in virtual time.

Invariant: the same requests in the same order at every rate, their gaps scaled; latency counts from the arrival. A run
ends early only when so many requests are late that the SLO cannot be kept any more.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loadtest.capacity.plans import Plan, Shape, requests
from loadtest.quantiles import percentile
from loadtest.standin.clock import VirtualClock
from loadtest.standin.engine import Engine
from loadtest.standin.scheduler import Scheduler
from loadtest.standin.scheduler import Sequence as Call
from loadtest.standin.speed import Limits, Speed
from loadtest.stats import mean

# The engine has to fill up before what it holds can be told.
WARM_UP_SHARE = 0.2
_FEWEST = 100
_EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Slo:
    """What a request has to keep, in seconds, and the share of requests that have to."""

    first_answer_seconds: float = 30.0
    e2e_seconds: float = 30.0
    share: float = 0.95


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of one request from its arrival; None for what did not come."""

    first_answer: float | None
    e2e: float | None

    def keeps(self, slo: Slo) -> bool:
        """Say whether it met all of the SLO."""
        if self.first_answer is None or self.e2e is None:
            return False
        return self.first_answer <= slo.first_answer_seconds and self.e2e <= slo.e2e_seconds


@dataclass(frozen=True, slots=True)
class Replica:
    """What is loaded: its speed and limits, and how its requests look and are answered.

    With ``priorities`` the steps that finish an answer go before drafts that wait.
    """

    speed: Speed
    limits: Limits
    shape: Shape
    plan: Plan
    priorities: bool = True


@dataclass(frozen=True, slots=True)
class Simulated:
    """What came of one rate after the warm-up, and how full the engine was; ``held`` says whether the SLO was kept."""

    rate: float
    held: bool
    times: Sequence[Times]
    mean_batch: float
    cached_share: float
    preemptions: int

    def e2e(self, share: float) -> float | None:
        """A quantile of the seconds of finished requests."""
        return percentile([times.e2e for times in self.times if times.e2e is not None], share)

    def mean_in_flight(self) -> float:
        """Requests under way at a time, by Little's law from those that finished."""
        return self.rate * (mean([times.e2e for times in self.times if times.e2e is not None]) or 0.0)

    def first_answer(self, share: float) -> float | None:
        """A quantile of the seconds to the first word of the answer."""
        return percentile([times.first_answer for times in self.times if times.first_answer is not None], share)


def simulate(replica: Replica, rate: float, seconds: float, slo: Slo, seed: int) -> Simulated:
    """Put requests at ``rate`` a second, Poisson, for so many virtual seconds, and see whether the SLO is kept."""
    clock = VirtualClock()
    engine = Engine(clock, Scheduler(replica.speed, replica.limits), every_token=False)
    number = max(_FEWEST, round(rate * seconds))
    first = round(number * WARM_UP_SHARE)
    lateness = _Lateness(clock, slo, allowed=math.floor((number - first) * (1 - slo.share) + _EPSILON))
    chance, due, runs = random.Random(seed), 0.0, []
    for request in requests(replica.shape, number, seed):
        due += chance.expovariate(1.0) / rate
        stages = request.stages(replica.plan, priorities=replica.priorities)
        run = _Run(engine, clock, stages, replica.plan, due)
        clock.call_at(due + replica.shape.gateway_seconds, run.begin)
        runs.append(run)
        if len(runs) > first:
            lateness.watch(run, due)
    clock.run(until=due + slo.e2e_seconds + _EPSILON)
    tally = engine.scheduler.tally
    return Simulated(
        rate,
        lateness.late <= lateness.allowed,
        [run.times for run in runs[first:]],
        engine.sequence_seconds / engine.busy_seconds,
        tally.prefix_hits_tokens / tally.prefix_queries_tokens,
        tally.preemptions,
    )


class _Lateness:
    """Counts requests that did not keep the SLO, each when its time is up, and stops the clock at one too many."""

    def __init__(self, clock: VirtualClock, slo: Slo, allowed: int) -> None:
        self.late = 0
        self.allowed = allowed
        self._clock, self._slo = clock, slo

    def watch(self, run: "_Run", due: float) -> None:
        """Look at the request when it has to be finished."""
        self._clock.call_at(due + self._slo.e2e_seconds + _EPSILON, self._look, run)

    def _look(self, run: "_Run") -> None:
        self.late += not run.times.keeps(self._slo)
        if self.late > self.allowed:
            self._clock.stop()


class _Run:
    """One request under way."""

    def __init__(
        self, engine: Engine, clock: VirtualClock, stages: Iterator[list[Call]], plan: Plan, arrived: float
    ) -> None:
        self.times = Times(None, None)
        self._engine, self._clock, self._stages = engine, clock, stages
        self._streams, self._arrived, self._open = plan is Plan.DRAFT_ONLY, arrived, 0

    def begin(self) -> None:
        """Make the calls of the next stage; none left means that the request is finished."""
        calls = next(self._stages, None)
        now = self._clock.time() - self._arrived
        if calls is None:
            self.times = Times(self.times.first_answer or now, now)
            return
        self._open = len(calls)
        for call in calls:
            self._engine.submit(call, self._on_token)

    def _on_token(self, call: Call) -> None:
        if self._streams and self.times.first_answer is None:
            self.times = Times(self._clock.time() - self._arrived, None)
        if call.finished:
            self._open -= 1
            if not self._open:
                self.begin()
