"""Figures of consultations: win rates by source and counterpart, macro and sample-weighted, per dimension; consistency.

Invariant: rates are over verdicts that could be read in both orders; the published ones count unreadable ones in the
denominator, so ``unscored share`` stands beside them. A rate of overall verdicts is named without a dimension.
"""

from collections.abc import Callable, Sequence

import numpy as np

from training.evaluation.consultations.dialogue import CONSULTATION, WITHHELD
from training.evaluation.consultations.judge import OVERALL, Outcome
from training.evaluation.pooled import Array, Pooled, mean_of, ratio
from training.evaluation.rows import Row
from training.methods.comparisons import DIMENSIONS

OUTCOMES: tuple[Outcome, ...] = ("win", "tie", "loss")
Cell = tuple[str, str]
"""A source and a counterpart."""
Counted = Callable[[Row], tuple[float, float]]
"""How often something held in a row, and how often it could be said."""


def figures(rows: Sequence[Row]) -> dict[str, Pooled]:
    """Return the figures, headline first: the published one, a mean over cells of source and counterpart."""
    cells = cells_of(rows)
    found = {
        "macro win rate": macro_win_rate(rows, cells),
        "sample-weighted win rate": _pooled(rows, _overall("win", None)),
        "mean of dimension wins": mean_of([row.score for row in rows]),
        "order consistency": _pooled(rows, _agreement(DIMENSIONS)),
        "order consistency: overall": _pooled(rows, _agreement((OVERALL,))),
        "unscored share": _pooled(rows, lambda row: (row.unscored, row.asked)),
    }
    for name in DIMENSIONS:
        found |= {f"{outcome}: {name}": _pooled(rows, _dimension(outcome, name)) for outcome in OUTCOMES}
    for cell in cells:
        found |= {f"{outcome}: {cell[0]} / {cell[1]}": _pooled(rows, _overall(outcome, cell)) for outcome in OUTCOMES}
    found["withheld patient turns"] = mean_of([float(row.answered.extra[WITHHELD]) for row in rows])
    return found


def cells_of(rows: Sequence[Row]) -> list[Cell]:
    """Return every source and counterpart that were compared, in the order in which they come."""
    return list(dict.fromkeys((source_of(row), verdict["counterpart"]) for row in rows for verdict in row.verdicts))


def macro_win_rate(rows: Sequence[Row], cells: Sequence[Cell]) -> Pooled:
    """The mean over cells of the share of overall wins; NaN where a cell has no scored verdict.

    Source: PulseMind, Fig. 4 and Table 4 (76.0 is the mean of 12 cells, whatever their sizes).
    """
    columns = [_counts(rows, _overall("win", cell)) for cell in cells]
    return Pooled(np.column_stack(columns) if columns else np.zeros((len(rows), 2)), mean_of_cells)


def mean_of_cells(sums: Array) -> Array:
    """The mean of ratios, from sums of columns in pairs: part, whole, part, whole, ..."""
    pairs = sums.reshape(*sums.shape[:-1], -1, 2)
    rates: Array = ratio(pairs)
    return np.asarray(rates.mean(axis=-1), dtype=np.float64)


def source_of(row: Row) -> str:
    """Return the set that a row's consultation is from."""
    return str(row.metadata[CONSULTATION]["source"])


def _overall(outcome: Outcome, cell: Cell | None) -> Counted:
    def counted(row: Row) -> tuple[float, float]:
        joined = [
            verdict["joined"]
            for verdict in row.verdicts
            if verdict["criterion"] == OVERALL and (cell is None or (source_of(row), verdict["counterpart"]) == cell)
        ]
        return joined.count(outcome), len(joined) - joined.count(None)

    return counted


def _dimension(outcome: Outcome, name: str) -> Counted:
    def counted(row: Row) -> tuple[float, float]:
        joined = [verdict["joined"] for verdict in row.verdicts if verdict["criterion"] == name]
        return joined.count(outcome), len(joined) - joined.count(None)

    return counted


def _agreement(names: Sequence[str]) -> Counted:
    def counted(row: Row) -> tuple[float, float]:
        agree = [verdict["agree"] for verdict in row.verdicts if verdict["criterion"] in names]
        return agree.count(True), len(agree) - agree.count(None)

    return counted


def _pooled(rows: Sequence[Row], counted: Counted) -> Pooled:
    return Pooled(_counts(rows, counted), ratio)


def _counts(rows: Sequence[Row], counted: Counted) -> Array:
    return np.array([counted(row) for row in rows], dtype=np.float64).reshape(len(rows), 2)
