"""Figures' families, and p-values adjusted within one by Holm's method.

Invariant: figures named ``family:member`` are tested together; a figure without a family is a test of its own.
"""

import math
from collections.abc import Mapping
from typing import TypeVar

K = TypeVar("K")


def family_of(figure: str) -> str | None:
    """The part of a figure's name before its first colon; None where there is none."""
    family, colon, _ = figure.partition(":")
    return family if colon else None


def member_of(figure: str) -> str:
    """A figure's name within its family."""
    return figure.partition(":")[2].strip() or figure


def holm(p_values: Mapping[K, float]) -> dict[K, float]:
    """Adjust p-values so that the chance of any false finding among them stays at the level (Holm 1979).

    Sorted ascending, the k-th of m is multiplied by m - k + 1, made no smaller than the one before, and at most 1.
    A p-value that is not a number is no test: it stays so and does not count among the m.
    """
    tested = sorted((key for key, p in p_values.items() if not math.isnan(p)), key=lambda key: p_values[key])
    adjusted = {key: p for key, p in p_values.items() if math.isnan(p)}
    least = 0.0
    for place, key in enumerate(tested):
        least = max(least, min(1.0, (len(tested) - place) * p_values[key]))
        adjusted[key] = least
    return {key: adjusted[key] for key in p_values}
