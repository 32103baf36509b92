"""Owns for which questions a principle is: the scenario values and the dimension that its sources' questions show.

Invariant: pure functions of scenarios. A dimension is constrained only where chance does not explain it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import get_args

from scipy.stats import binom

from principles.scenario import LABELS
from principles.schema import Applies, Dimension, Scenario

COVERAGE = 0.9
ALPHA = 0.001
MARGIN = 0.15
PRIOR_QUESTIONS = 5.0

Rates = Mapping[Dimension, Mapping[str, float]]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)


def base_rates(scenarios: Sequence[Scenario]) -> Rates:
    """The share of each value among all questions. Raises ValueError without any."""
    if not scenarios:
        raise ValueError("no questions to take rates from")
    counts = {name: _counted(scenarios, name) for name in DIMENSIONS}
    return {name: {value: counts[name][value] / len(scenarios) for value in LABELS[name]} for name in DIMENSIONS}


def applies_to(scenarios: Sequence[Scenario], rates: Rates) -> Applies:
    """The values that a principle asked for by these questions is for; empty where any will do.

    The test (ours): of a dimension's values take the fewest that hold ``COVERAGE`` of the questions. If questions drawn
    at the rates of all would fall on them as often with probability below ``ALPHA`` only (exact binomial, one-sided),
    and their share is at least ``MARGIN`` above those rates, the principle is for these values.
    """
    return Applies.model_validate({name: _values(scenarios, name, rates[name]) for name in DIMENSIONS})


def dimension_of(scenarios: Sequence[Scenario], rates: Rates) -> Dimension:
    """The dimension of which one value is most over-represented among these questions (lift).

    ``PRIOR_QUESTIONS`` at the rates of all are counted in, so that one rare question does not decide. Ties go to the
    first in the order of ``DIMENSIONS``.
    """
    lifts = {name: _lift(scenarios, name, rates[name]) for name in DIMENSIONS}
    return max(DIMENSIONS, key=lambda name: lifts[name])


def _values(scenarios: Sequence[Scenario], name: Dimension, rates: Mapping[str, float]) -> tuple[str, ...]:
    counts, total = _counted(scenarios, name), len(scenarios)
    chosen: list[str] = []
    held = 0
    for value, count in counts.most_common():
        if held >= COVERAGE * total:
            break
        chosen.append(value)
        held += count
    expected = sum(rates[value] for value in chosen)
    if held / total - expected < MARGIN or binom.sf(held - 1, total, expected) >= ALPHA:
        return ()
    return tuple(value for value in LABELS[name] if value in chosen)


def _lift(scenarios: Sequence[Scenario], name: Dimension, rates: Mapping[str, float]) -> float:
    counts, total = _counted(scenarios, name), len(scenarios) + PRIOR_QUESTIONS
    return max((counts[value] + PRIOR_QUESTIONS * rate) / total / rate for value, rate in rates.items() if rate > 0)


def _counted(scenarios: Sequence[Scenario], name: Dimension) -> Counter[str]:
    return Counter(getattr(scenario, name) for scenario in scenarios)
