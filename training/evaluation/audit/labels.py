"""What a judge is audited on: answers with a criterion each, and what experts say of them, read from label files.

Invariant: one answer and one criterion are one item, however many experts labelled it; every label is kept.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from training.data.files import raw_rows, read_records
from training.data.healthbench import HealthBenchLabels
from training.data.judge_labels import JudgeLabel
from training.data.kinds import KINDS, UntoldKind, told_kind
from training.judges.presented import key_of

Message = Mapping[str, str]
Key = tuple[str, str]
"""An answer under its question, by hash, and the text of a criterion."""


class LabelsError(Exception):
    """A file does not hold the labels asked for; the message names it."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One answer, one criterion, and the verdicts of one or more experts.

    ``points`` below 0: the criterion names a fault. ``groups``: what figures are also given by, such as the category.
    """

    id: str
    messages: tuple[Message, ...]
    answer: str
    criterion: str
    points: float | None
    labels: tuple[bool, ...]
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def case(self) -> str:
        """The question, which all its answers and criteria share: what intervals are clustered by."""
        return key_of(self.messages)[:16]

    @property
    def key(self) -> Key:
        """What makes two labels the same item's."""
        return verdict_key(self.messages, self.answer, self.criterion)


def verdict_key(messages: Sequence[Message], answer: str, criterion: str) -> Key:
    """Return the key under which a verdict finds its labels."""
    return key_of(messages, answer), criterion


def read_labels(path: Path) -> list[Labelled]:
    """Read a file of kind ``judge_label`` or ``healthbench_labels``, told by its rows' fields.

    Raises ``LabelsError`` for another kind, no rows, and an id of two items; ``FaultyRow`` and ``UnreadableFile`` as
    the data files do.
    """
    try:
        kind, _ = told_kind(raw_rows(path))
    except UntoldKind as error:
        raise LabelsError(f"{path}: {error}") from error
    if kind is KINDS["judge_label"]:
        items = joined(map(_of_judge_label, read_records(path, JudgeLabel)))
    elif kind is KINDS["healthbench_labels"]:
        items = joined(map(_of_physicians, read_records(path, HealthBenchLabels)))
    else:
        raise LabelsError(f"{path}: rows of kind {kind.name}, not judge_label or healthbench_labels")
    name, times = Counter(item.id for item in items).most_common(1)[0]
    if times > 1:
        raise LabelsError(f"{path}: the id {name!r} names {times} different items")
    return items


def joined(items: Iterable[Labelled]) -> list[Labelled]:
    """Put all labels of one answer and criterion into one item, the first of them; in order of their appearance."""
    found: dict[Key, Labelled] = {}
    for item in items:
        known = found.get(item.key)
        found[item.key] = item if known is None else replace(known, labels=known.labels + item.labels)
    return list(found.values())


def _of_judge_label(row: JudgeLabel) -> Labelled:
    groups = {} if row.points is None else {"points": "fault" if row.points < 0 else "wanted"}
    messages = tuple(message.model_dump() for message in row.prompt)
    return Labelled(row.id, messages, row.answer, row.criterion, row.points, (row.met,), groups)


def _of_physicians(row: HealthBenchLabels) -> Labelled:
    name = f"{row.completion_id}:{hashlib.sha256(row.rubric.encode()).hexdigest()[:8]}"
    messages = tuple(message.model_dump() for message in row.prompt)
    return Labelled(name, messages, row.completion, row.rubric, None, row.binary_labels, {"category": row.category})
