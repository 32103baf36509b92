"""Pairs of answers that were judged in both orders, read from a JSONL file or from an evaluation's log.

Invariant: however a source names the better answer, here it is named by the place in which it was shown.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from training.data.fields import Line, Row
from training.data.files import read_records
from training.evaluation.audit.bias import BothOrders, Place
from training.evaluation.rows import Row as LoggedRow
from training.evaluation.rows import read_rows

LOG_SUFFIX = ".eval"
_OURS_FIRST: Mapping[str, Place] = {"win": "first", "loss": "second", "tie": "tie"}
_OURS_SECOND: Mapping[str, Place] = {"win": "second", "loss": "first", "tie": "tie"}


class PairRow(Row):
    """One pair as a file has it; see ``BothOrders``. An order that could not be read is null or left out."""

    case: Line
    first_order: Place | None = None
    second_order: Place | None = None
    first_length: Annotated[int, Field(ge=0)] | None = None
    second_length: Annotated[int, Field(ge=0)] | None = None


def read_pairs(path: Path) -> list[BothOrders]:
    """Read pairs from JSONL or Parquet, or from a log whose verdicts are of comparisons.

    Raises ``FaultyRow`` and ``UnreadableFile`` as the data files do.
    """
    if path.suffix == LOG_SUFFIX:
        return list(pairs_in(read_rows(path)))
    return [_of_row(row) for row in read_records(path, PairRow)]


def pairs_in(rows: Iterable[LoggedRow]) -> Iterator[BothOrders]:
    """Yield the pairs among the verdicts of a log; verdicts of another kind are passed over.

    A verdict has ``first_order`` and ``second_order``, or ``shown`` and ``swapped``: win, loss or tie of the answer
    that stood first and then second, as consultations have them.
    """
    for row in rows:
        for verdict in row.verdicts:
            if verdict.keys() >= {"first_order", "second_order"}:
                yield BothOrders(row.cluster, verdict["first_order"], verdict["second_order"])
            elif verdict.keys() >= {"shown", "swapped"}:
                shown, swapped = verdict["shown"], verdict["swapped"]
                yield BothOrders(
                    row.cluster,
                    None if shown is None else _OURS_FIRST[shown],
                    None if swapped is None else _OURS_SECOND[swapped],
                )


def _of_row(row: PairRow) -> BothOrders:
    known = row.first_length is not None and row.second_length is not None
    lengths = (row.first_length or 0, row.second_length or 0) if known else None
    return BothOrders(row.case, row.first_order, row.second_order, lengths)
