"""The miniclinic's held-out cases as an audit's labels: exact, by the scorer, so that any miss is the judge's.

Invariant: labels are those that ``training.miniclinic.datasets`` writes, which judges are measured on in training.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from training.evaluation.audit.audited import LabelsOf
from training.evaluation.audit.labels import Labelled, read_labels
from training.miniclinic.answers import kind_of
from training.miniclinic.datasets import write_labels
from training.miniclinic.knowledge import Knowledge
from training.miniclinic.rubrics import AXES
from training.miniclinic.scorer import verdict


def labelled(path: Path, knowledge: Knowledge, seeds: range) -> list[Labelled]:
    """Write the labels of held-out cases to ``path`` (JSONL or Parquet) and return them with their axes.

    Two answers a case, a draft and one by someone who mistakes circumstances; criteria of what is required, of faults,
    and of what is not needed.
    """
    write_labels(path, knowledge, "heldout", seeds)
    return with_axes(knowledge, read_labels(path))


def with_axes(knowledge: Knowledge, items: Iterable[Labelled]) -> list[Labelled]:
    """Return items with the axis of each criterion as a group; a criterion not of this world has none."""
    return [_with_axis(knowledge, item) for item in items]


def exact(knowledge: Knowledge) -> LabelsOf:
    """Return the scorer's own label of any answer and criterion of this world, for verdicts that are in a log."""

    def labels_of(answer: str, criterion: str) -> tuple[bool, ...] | None:
        met = verdict(knowledge, criterion, answer)
        return None if met is None else (met,)

    return labels_of


def _with_axis(knowledge: Knowledge, item: Labelled) -> Labelled:
    asked = knowledge.asked_by.get(item.criterion)
    axis = None if asked is None else AXES.get(kind_of(asked[0]))
    return item if axis is None else replace(item, groups={"axis": axis, **item.groups})
