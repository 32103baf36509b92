"""What became of one request, in seconds from its scheduled arrival, and of how many kinds an end is.

Invariant: latency counts from when a request was due, not from when it could be sent (coordinated omission corrected).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from loadtest.run.plan import Planned
from loadtest.run.profile import Slo
from loadtest.run.reading import Reading


class End(StrEnum):
    """How a request ended."""

    OK = "ok"
    LEFT = "left"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    CLIENT_ERROR = "client_error"
    SERVER_ERROR = "server_error"
    STREAM_ERROR = "stream_error"
    CUT_OFF = "cut_off"
    MALFORMED = "malformed"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"


_BY_STATUS: Mapping[int, End] = {429: End.REFUSED, 503: End.UNAVAILABLE}


def end_of(status: int, reading: Reading) -> End:
    """How a request ended whose reply came to its end."""
    if status != 200:
        return _BY_STATUS.get(status, End.CLIENT_ERROR if 400 <= status < 500 else End.SERVER_ERROR)
    if reading.stream_error:
        return End.STREAM_ERROR
    if reading.malformed:
        return End.MALFORMED
    return End.OK if reading.complete else End.CUT_OFF


@dataclass(frozen=True, slots=True)
class Row:
    """One request. Times are seconds from the scheduled arrival; None for what did not come."""

    number: int
    target: str
    stage: str
    kind: str
    stream: bool
    slow: bool
    scheduled: float
    send_lag: float
    end: End
    status: int | None
    ttfb: float | None
    first_reasoning: float | None
    first_answer: float | None
    e2e: float
    tpot_ms: float | None
    greatest_gap_ms: float | None
    output_tokens: int | None
    overhead_ms: float | None
    outcome: str
    reason: str
    pings: int

    def keeps(self, slo: Slo) -> bool:
        """Say whether the answer came whole and within every bound that is set; the first byte only of streams."""
        bounds = (
            (slo.ttfb_seconds if self.stream else None, self.ttfb),
            (slo.first_answer_seconds, self.first_answer),
            (slo.tpot_ms, self.tpot_ms if self.tpot_ms is not None else 0.0),
            (slo.e2e_seconds, self.e2e),
        )
        return self.end is End.OK and all(
            bound is None or (value is not None and value <= bound) for bound, value in bounds
        )

    def as_json(self) -> dict[str, Any]:
        """The row as JSON has it, rounded to a tenth of a millisecond."""
        return {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(self).items()}

    @classmethod
    def of_json(cls, fields: Mapping[str, Any]) -> Self:
        """Read it back."""
        return cls(**{**fields, "end": End(fields["end"])})


def row(
    planned: Planned,
    target: str,
    started: float,
    sent: float,
    ended: float,
    end: End,
    status: int | None,
    read: Reading,
) -> Row:
    """Put one request's moments, all on one clock, against its scheduled arrival; ``started`` is the run's start."""
    due = started + planned.offset

    def since(moment: float | None) -> float | None:
        return None if moment is None else moment - due

    gaps = len(read.gaps_ms)
    return Row(
        number=planned.number,
        target=target,
        stage=planned.stage,
        kind=planned.mix.kind,
        stream=planned.mix.stream,
        slow=planned.bytes_per_second is not None,
        scheduled=planned.offset,
        send_lag=sent - due,
        end=end,
        status=status,
        ttfb=since(read.first_byte),
        first_reasoning=since(read.first_reasoning),
        first_answer=since(read.first_answer),
        e2e=ended - due,
        tpot_ms=sum(read.gaps_ms) / gaps if gaps else None,
        greatest_gap_ms=max(read.gaps_ms) if gaps else None,
        output_tokens=read.output_tokens,
        overhead_ms=read.overhead_ms,
        outcome=read.outcome,
        reason=read.reason,
        pings=read.pings,
    )
