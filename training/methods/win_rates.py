"""Win rates of a group per counterpart and per dimension: the mean of the scored cells of its rollouts.

Source: the cells of CRPO, arXiv 2601.07344. Unscored cells are no losses: a rate without a scored cell is None.
Where ties are worth 0 it is the share of strict wins.
"""

import math
from collections.abc import Iterable, Sequence

from training.methods.crpo import Cells


def per_counterpart(cells_GCD: Sequence[Cells]) -> tuple[float | None, ...]:
    """Return the rates, shape (_C,). Raises ``ValueError`` when rollouts have different counterparts."""
    return tuple(_rate(cell for row_D in rows for cell in row_D) for rows in zip(*cells_GCD, strict=True))


def per_dimension(cells_GCD: Sequence[Cells]) -> tuple[float | None, ...]:
    """Return the rates, shape (_D,)."""
    rows = [row_D for cells_CD in cells_GCD for row_D in cells_CD]
    return tuple(_rate(column) for column in zip(*rows, strict=True))


def _rate(cells: Iterable[float | None]) -> float | None:
    scored = [cell for cell in cells if cell is not None]
    return math.fsum(scored) / len(scored) if scored else None
