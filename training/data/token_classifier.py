"""Owns searching with a trained model: a transformers token-classification model in a local folder.

Invariant: nothing is fetched, no text is cut off (long ones go through in overlapping windows), and a model whose
labels mean none of our kinds is refused, since it would find nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from training.data.identifiers import Identifier, IdentifierKind

Classify = Callable[[str], Sequence[Mapping[str, Any]]]

WINDOW_CHARS = 400  # below the 512 tokens that most of these models take, also at a token per character
OVERLAP_CHARS = 100

LABELS = {
    "PER": IdentifierKind.NAME,
    "PERSON": IdentifierKind.NAME,
    "PATIENT": IdentifierKind.NAME,
    "DOCTOR": IdentifierKind.NAME,
    "STAFF": IdentifierKind.NAME,
    "NAME": IdentifierKind.NAME,
    "LOC": IdentifierKind.PLACE,
    "GPE": IdentifierKind.PLACE,
    "FAC": IdentifierKind.PLACE,
    "LOCATION": IdentifierKind.PLACE,
    "ORG": IdentifierKind.ORGANISATION,
    "HOSP": IdentifierKind.ORGANISATION,
    "HOSPITAL": IdentifierKind.ORGANISATION,
    "DATE": IdentifierKind.DATE,
    "AGE": IdentifierKind.AGE,
    "PHONE": IdentifierKind.PHONE,
    "EMAIL": IdentifierKind.EMAIL,
    "ID": IdentifierKind.RECORD_NUMBER,
    "MEDICALRECORD": IdentifierKind.RECORD_NUMBER,
}


class ModelError(Exception):
    """The model cannot be used."""


class TokenClassifier:
    """A recogniser around a callable that gives ``entity_group``, ``start`` and ``end`` for each span."""

    def __init__(self, classify: Classify) -> None:
        self._classify = classify

    def find(self, text: str) -> Sequence[Identifier]:
        """The spans whose label is one of ours; other labels are other things, not identifiers."""
        found: list[Identifier] = []
        for first in range(0, max(len(text) - OVERLAP_CHARS, 1), WINDOW_CHARS - OVERLAP_CHARS):
            for span in self._classify(text[first : first + WINDOW_CHARS]):
                if kind := kind_of_label(str(span["entity_group"])):
                    found.append(Identifier(first + int(span["start"]), first + int(span["end"]), kind))
        return found


def kind_of_label(label: str) -> IdentifierKind | None:
    """What a model's label means here, with or without its B- or I-."""
    return LABELS.get(label.upper().removeprefix("B-").removeprefix("I-"))


def load_token_classifier(folder: Path) -> TokenClassifier:
    """Load a model from a local folder. Raises ``ModelError`` where there is none or its labels mean nothing here."""
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder}: no config.json: not a model's folder")
    from transformers import pipeline

    try:
        classify = pipeline("token-classification", model=str(folder), aggregation_strategy="simple", device="cpu")
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder}: {error}") from error
    if not classify.tokenizer.is_fast:
        raise ModelError(f"{folder}: its tokenizer gives no character positions")
    labels = classify.model.config.id2label.values()
    if not any(kind_of_label(label) for label in labels):
        raise ModelError(f"{folder}: none of its labels is known here: {', '.join(sorted(labels))}")
    return TokenClassifier(classify)
