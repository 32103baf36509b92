"""How often criteria were met that a judge called met with a given probability, where the truth is recorded.

Invariant: only verdicts with both a probability and a truth count.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.evaluation.audit.calibration import equal_mass_edges, reliability_curve
from training.evaluation.rows import Row
from training.evaluation.statistics import Interval


@dataclass(frozen=True, slots=True)
class Point:
    """One bin: the mean probability, and the share that was met with its Wilson interval."""

    probability: float
    met: Interval


def reliability(rows: Sequence[Row]) -> tuple[Point, ...]:
    """Return the curve over bins of about as many verdicts each; empty where no verdict has a ``truth``."""
    told = [
        (verdict["probability"], verdict["truth"])
        for row in rows
        for verdict in row.verdicts
        if isinstance(verdict.get("probability"), float) and isinstance(verdict.get("truth"), bool)
    ]
    if not told:
        return ()
    p_N, met_N = np.array(told, dtype=np.float64).T
    return tuple(Point(one.mean_probability, one.met) for one in reliability_curve(p_N, met_N, equal_mass_edges(p_N)))
