"""How the tests of faults start their processes: impatient, so that a time-out is short."""

import sys
from dataclasses import replace
from pathlib import Path

from loadtest.faults.command import QUICK_ENGINE
from loadtest.faults.stage import Limits, Setting

# Processes that start on a busy machine; what is asserted of times follows from the limits below.
START_SECONDS = 240

LIMITS = Limits(
    health_interval_s=0.5,
    health_timeout_s=1.0,
    first_byte_s=0.75,
    engine_begin_s=1.5,
    engine_silence_s=1.0,
    engine_answer_s=2.5,
    deadline_s=6.0,
)


def impatient(logs: Path) -> Setting:
    return Setting((sys.executable, "-m", "service"), LIMITS, QUICK_ENGINE, logs)


def real_engine(logs: Path) -> Setting:
    """An engine of a real model beside other tests is given its time."""
    limits = Limits(
        health_timeout_s=10.0,
        first_byte_s=60.0,
        engine_begin_s=60.0,
        engine_silence_s=60.0,
        engine_answer_s=60.0,
        deadline_s=60.0,
    )
    return replace(impatient(logs), limits=limits)
