"""The line that tells how a run is going, on stderr: kept in place on a terminal, now and then elsewhere.

Invariant: it only looks; a run is the same without it.
"""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field
from time import perf_counter
from typing import TextIO

from loadtest.quantiles import percentile
from loadtest.run.profile import Slo
from loadtest.run.row import End, Row

_EVERY_SECONDS, _ELSEWHERE_EVERY_SECONDS = 1.0, 10.0
_LATEST = 200


@dataclass(slots=True)
class Progress:
    """What is known so far; ``total_seconds`` is how long requests arrive."""

    slo: Slo
    total_seconds: float
    planned: int
    sent: int = 0
    good: int = 0
    ends: Counter[End] = field(default_factory=Counter)
    latest: deque[float] = field(default_factory=lambda: deque(maxlen=_LATEST))

    def note_sent(self) -> None:
        """One more was put."""
        self.sent += 1

    def note(self, row: Row) -> None:
        """One more has ended."""
        self.ends[row.end] += 1
        self.good += row.keeps(self.slo)
        if row.first_answer is not None:
            self.latest.append(row.first_answer)

    def line(self, seconds: float) -> str:
        """The line after so many seconds."""
        ended = self.ends.total()
        others = [f"{end.value} {count}" for end, count in self.ends.most_common() if end is not End.OK]
        first = percentile(list(self.latest), 0.5)
        told = "-" if first is None else f"{first:.2f} s"
        return (
            f"{seconds:.0f}/{self.total_seconds:.0f} s  sent {self.sent}/{self.planned}  "
            f"in flight {self.sent - ended}  good {self.good}/{ended}  first answer p50 {told}"
            + "".join(f"  {other}" for other in others)
        )

    async def show(self, stream: TextIO) -> None:
        """Write the line again and again until cancelled."""
        started, terminal = perf_counter(), stream.isatty()
        try:
            while True:
                await asyncio.sleep(_EVERY_SECONDS if terminal else _ELSEWHERE_EVERY_SECONDS)
                line = self.line(perf_counter() - started)
                stream.write(f"\r\x1b[K{line}" if terminal else f"{line}\n")
                stream.flush()
        finally:
            if terminal:
                stream.write("\n")
