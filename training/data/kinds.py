"""Owns the list of kinds of training data, and telling a file's kind by the fields of its rows.

Invariant: a kind is told only by a row that has every field that one kind requires and none that it does not know.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from pydantic import BaseModel

from training.data.chats import Chat
from training.data.comparisons import Comparison
from training.data.consultations import Consultation
from training.data.counterparts import CounterpartRow
from training.data.healthbench import HealthBenchLabels, HealthBenchRow
from training.data.jsonl import RawRow
from training.data.judge_labels import JudgeLabel
from training.data.queries import Query
from training.data.rubrics import HealthRubric

ROWS_LOOKED_AT = 1_000


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: its name, its record type, and the fields that are its id (none may repeat together)."""

    name: str
    record: type[BaseModel]
    id_fields: tuple[str, ...] = ("id",)

    def fits(self, value: object) -> bool:
        """Say whether an object has the fields of this kind; their values are not looked at."""
        if not isinstance(value, dict):
            return False
        fields = self.record.model_fields
        return value.keys() <= fields.keys() and all(
            name in value for name, field in fields.items() if field.is_required()
        )


KINDS = {
    kind.name: kind
    for kind in (
        Kind("health_rubric", HealthRubric),
        Kind("healthbench", HealthBenchRow, ("prompt_id",)),
        Kind("healthbench_labels", HealthBenchLabels, ("completion_id", "rubric")),
        Kind("query", Query),
        Kind("comparison", Comparison),
        Kind("judge_label", JudgeLabel),
        Kind("consultation", Consultation),
        Kind("chat", Chat),
        Kind("counterparts", CounterpartRow, ("prompt_id",)),
    )
}


class UntoldKind(Exception):
    """No row tells the kind, or a row fits several."""


def kind_of(value: object) -> Kind | None:
    """The one kind whose fields an object has; None where none or several fit."""
    fitting = [kind for kind in KINDS.values() if kind.fits(value)]
    return fitting[0] if len(fitting) == 1 else None


def told_kind(rows: Iterable[RawRow]) -> tuple[Kind, int]:
    """The kind by the fields of the first row that tells it, and that row's line. Raises ``UntoldKind``."""
    looked_at = 0
    for row in islice(rows, ROWS_LOOKED_AT):
        looked_at += 1
        if kind := kind_of(row.value):
            return kind, row.line
    raise UntoldKind(
        f"none of the first {looked_at} rows has the fields of exactly one kind; name it: --kind {'|'.join(KINDS)}"
    )
