"""The scheduler in time: one step after the other on a clock, and each call told of its tokens.

Invariant: a step begins when the one before has ended, or when the first call comes to an idle engine; lateness of the
clock is made up for and reported, never added to the steps.
"""

from collections.abc import Callable
from dataclasses import dataclass

from loadtest.standin.clock import Clock
from loadtest.standin.metrics import Histograms
from loadtest.standin.scheduler import Scheduler, Sequence, Step


@dataclass(slots=True)
class _Call:
    on_token: Callable[[Sequence], None]
    arrived: float
    first: float = 0.0


class Engine:
    """One replica on a clock: asyncio's event loop, or a virtual one.

    Callers hear of every token, or where that is all they need of the first and the last.
    """

    def __init__(self, clock: Clock, scheduler: Scheduler, *, every_token: bool = True) -> None:
        self._every_token = every_token
        self.scheduler = scheduler
        self.histograms = Histograms()
        self.busy_seconds = 0.0
        self.sequence_seconds = 0.0
        self.greatest_lag_seconds = 0.0
        self._clock = clock
        self._calls: dict[int, _Call] = {}
        self._stepping = False

    def submit(self, sequence: Sequence, on_token: Callable[[Sequence], None]) -> None:
        """Put a call; ``on_token`` is called for its tokens, the last one with ``finished``.

        Raises ``ValueError`` where the call could never fit.
        """
        self.scheduler.add(sequence)
        self._calls[sequence.number] = _Call(on_token, self._clock.time())
        if not self._stepping:
            self._begin(self._clock.time())

    def abort(self, sequence: Sequence) -> None:
        """Give a call up; its tokens of the step under way are lost."""
        self.scheduler.abort(sequence)
        self._calls.pop(sequence.number, None)

    def _begin(self, now: float) -> None:
        step = self.scheduler.plan()
        self._stepping = step is not None
        if step is not None:
            self.busy_seconds += step.seconds
            self.sequence_seconds += step.seconds * step.sequences
            self._clock.call_at(now + step.seconds, self._end, step, now + step.seconds)

    def _end(self, step: Step, due: float) -> None:
        self.greatest_lag_seconds = max(self.greatest_lag_seconds, self._clock.time() - due)
        for sequence in self.scheduler.complete(step):
            ends = sequence.generated == 1 or sequence.generated == sequence.output_tokens
            if not (ends or self._every_token):
                continue
            call = self._calls.get(sequence.number)
            if call is None:
                continue  # its caller left while others were told of this very step
            if ends:
                self._observe(sequence, call, due)
            call.on_token(sequence)
        self._begin(due)

    def _observe(self, sequence: Sequence, call: _Call, now: float) -> None:
        if sequence.generated == 1:
            call.first = now
            self.histograms.first_token.observe(now - call.arrived)
        if sequence.finished:
            self.histograms.whole.observe(now - call.arrived)
            if sequence.generated > 1:
                self.histograms.per_token.observe((now - call.first) / (sequence.generated - 1))
            del self._calls[sequence.number]
