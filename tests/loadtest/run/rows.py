"""Rows and profiles for tests, with everything but what a test is about filled in."""

from dataclasses import replace
from typing import Any

from loadtest.questions import Question
from loadtest.run.profile import LoadProfile
from loadtest.run.row import End, Row

QUESTIONS = [Question("q", ({"role": "user", "content": "What helps against a cough?"},))]
ROW = Row(
    number=0,
    target="gateway",
    stage="one",
    kind="accepted",
    stream=True,
    slow=False,
    scheduled=0.0,
    send_lag=0.0,
    end=End.OK,
    status=200,
    ttfb=0.1,
    first_reasoning=None,
    first_answer=1.0,
    e2e=2.0,
    tpot_ms=20.0,
    greatest_gap_ms=30.0,
    output_tokens=50,
    overhead_ms=1.5,
    outcome="accepted",
    reason="",
    pings=0,
)


def row(**fields: Any) -> Row:
    """A good row, but for these fields."""
    return replace(ROW, **fields)


def profile(**fields: Any) -> LoadProfile:
    """Ten even seconds of accepted requests at one a second, but for these fields."""
    return LoadProfile.model_validate(
        {
            "description": "d",
            "rate": 1.0,
            "slo": {"first_answer_seconds": 1.5, "e2e_seconds": 3.0},
            "stages": [{"name": "one", "seconds": 10.0, "arrivals": {"type": "constant"}}],
            "mix": [{"kind": "accepted"}],
            **fields,
        }
    )
