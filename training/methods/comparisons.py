"""Comparisons of two answers on PulseMind's four dimensions, each pair judged in both orders of presentation.

Published: an answer wins a dimension if it is better, else 0 (arXiv 2601.07344); the orders used are not.
Ours: better only if both orders say so; where they differ, the place decided and not the answer, so it is a tie.
Unreadable in one order: unscored, for a single order is what the second is there to correct.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

DIMENSIONS = ("proactiveness", "accuracy", "usefulness", "language_quality")
UNREADABLE = (None,) * len(DIMENSIONS)

Better = Literal["first", "second", "tie"]
Pair = tuple[str, str]
_SWAPPED: Mapping[Better, Better] = {"first": "second", "second": "first", "tie": "tie"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two answers, by label, in the order shown, and which is better on each dimension; None: unreadable.

    Raises ``ValueError`` for an answer against itself and when there is not one verdict for each dimension.
    """

    first: str
    second: str
    better_D: tuple[Better | None, ...]

    def __post_init__(self) -> None:
        if self.first == self.second:
            raise ValueError(f"{self.first!r} compared with itself")
        if len(self.better_D) != len(DIMENSIONS):
            raise ValueError(f"{len(self.better_D)} verdicts on {len(DIMENSIONS)} dimensions")

    def swap(self) -> "Comparison":
        """The same verdicts with the answers in the other order."""
        return Comparison(self.second, self.first, tuple(b and _SWAPPED[b] for b in self.better_D))

    @property
    def win_minus_loss(self) -> float | None:
        """Share of readable dimensions won by the first less the share it lost, or None."""
        readable = [b for b in self.better_D if b is not None]
        return (readable.count("first") - readable.count("second")) / len(readable) if readable else None


def in_both_orders(shown: Comparison, swapped: Comparison) -> Comparison:
    """Join the two presentations of one pair, in the order of ``shown``. Raises ``ValueError`` for two pairs."""
    turned = swapped.swap()
    if (turned.first, turned.second) != (shown.first, shown.second):
        raise ValueError(f"{swapped.first!r}, {swapped.second!r} is not the swapped {shown.first!r}, {shown.second!r}")
    better_D = (_joined(a, b) for a, b in zip(shown.better_D, turned.better_D, strict=True))
    return Comparison(shown.first, shown.second, tuple(better_D))


def by_pair(judged: Iterable[Comparison]) -> dict[Pair, Comparison]:
    """Index presentations by the order shown. Raises ``ValueError`` when one was judged twice."""
    shown: dict[Pair, Comparison] = {}
    for comparison in judged:
        pair = (comparison.first, comparison.second)
        if pair in shown:
            raise ValueError(f"{pair} was judged twice in the same order")
        shown[pair] = comparison
    return shown


def position_consistency(judged: Iterable[Comparison]) -> float | None:
    """Share of dimensions readable in both orders on which the orders agree; None where there are none."""
    shown = by_pair(judged)
    agreed = [
        float(a == b)
        for (first, second), comparison in shown.items()
        if first < second and (second, first) in shown
        for a, b in zip(comparison.better_D, shown[second, first].swap().better_D, strict=True)
        if a is not None and b is not None
    ]
    return math.fsum(agreed) / len(agreed) if agreed else None


def _joined(shown: Better | None, turned: Better | None) -> Better | None:
    if shown is None or turned is None:
        return None
    return shown if shown == turned else "tie"
