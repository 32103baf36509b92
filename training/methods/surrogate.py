"""The clipped surrogate of a ratio r with advantage A: min(r A, clip(r, 1 - low, 1 + high) A), to be maximised.

Source: PPO, arXiv 1707.06347; two bounds instead of one: DAPO, arXiv 2503.14476.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Clip:
    """How far a ratio may leave 1 before its gradient ends. Raises ``ValueError`` unless 0 <= low < 1 and high >= 0."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (0 <= self.low < 1 and self.high >= 0):
            raise ValueError(f"no clipping between 1 - {self.low} and 1 + {self.high}")


def surrogate(ratio: Array, advantage: Array, clip: Clip) -> Array:
    """Return the objective of each ratio; shapes broadcast."""
    clipped = np.clip(ratio, 1 - clip.low, 1 + clip.high)
    return np.minimum(ratio * advantage, clipped * advantage)


def is_cut_off(ratio: Array, advantage: Array, clip: Clip) -> Mask:
    """Say where the surrogate no longer depends on the ratio: too high and good, or too low and bad."""
    return ((ratio > 1 + clip.high) & (advantage > 0)) | ((ratio < 1 - clip.low) & (advantage < 0))
