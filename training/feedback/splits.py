"""Owns which feedback is trained on and which is held out, by patient.

Invariant: all feedback of one patient, and all on one question, is on one side, whatever else comes in later.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256

from training.feedback.usable import Reviewed


def held_out_ids(rows: Sequence[Reviewed], share: float, salt: str = "") -> frozenset[str]:
    """Ids of the feedback to hold out: groups whose digest falls below ``share``.

    A group is what a chain of the same patient or the same question joins; feedback that names no patient is joined by
    its question alone. A group is named by its least patient (else question), so that what is added to it moves it only
    where it joins another. Raises ``ValueError`` unless 0 <= share < 1.
    """
    if not 0 <= share < 1:
        raise ValueError(f"a held-out share of {share} is not in [0, 1)")
    groups = _groups(rows)
    return frozenset(row.record.id for row in rows if _place(groups[row.record.id], salt) < share)


def _groups(rows: Sequence[Reviewed]) -> Mapping[str, str]:
    """The name of each feedback's group: union-find over patients and questions."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for row in rows:
        names = [f"question:{row.question}"]
        if row.record.patient is not None:
            names.append(f"patient:{row.record.client or ''}:{row.record.patient}")
        first, *others = sorted(root(name) for name in names)
        for other in others:
            parent[other] = first
    return {row.record.id: root(f"question:{row.question}") for row in rows}


def _place(group: str, salt: str) -> float:
    """A place in [0, 1) that follows from the name alone."""
    return int.from_bytes(sha256(f"{salt}\0{group}".encode()).digest()[:8]) / 2**64
