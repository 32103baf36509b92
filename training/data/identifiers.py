"""Owns what an identifier is and who looks for one: the closed set of kinds, a found span, and the recogniser protocol.

Invariant: a finding shows where and of which kind, never the text itself beyond first characters. The kinds follow the
identifiers of HIPAA's Safe Harbor rule that text can hold; faces, fingerprints and voices are not in text.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class IdentifierKind(StrEnum):
    """What identifies a person; ``organisation`` is ours, since an employer or a school narrows a person down."""

    NAME = "name"
    PLACE = "place"
    ORGANISATION = "organisation"
    DATE = "date"
    AGE = "age_over_89"
    PHONE = "phone"
    EMAIL = "email"
    NATIONAL_ID = "national_id"
    RECORD_NUMBER = "record_number"
    VEHICLE = "vehicle"
    DEVICE = "device"
    URL = "url"
    IP = "ip"
    HANDLE = "handle"


@dataclass(frozen=True, slots=True, order=True)
class Identifier:
    """One span of text, from ``start`` to before ``end`` in characters."""

    start: int
    end: int
    kind: IdentifierKind


class Recogniser(Protocol):
    """Anything that finds identifiers: rules, or a trained model."""

    def find(self, text: str) -> Sequence[Identifier]:
        """The identifiers in a text, in any order; they may overlap."""
        ...


def find_identifiers(text: str, recognisers: Iterable[Recogniser]) -> tuple[Identifier, ...]:
    """What all recognisers find, in order; of spans that overlap, the one that begins first or is longest stays."""
    found = sorted(
        {span for recogniser in recognisers for span in recogniser.find(text)},
        key=lambda span: (span.start, -span.end, span.kind),
    )
    kept: list[Identifier] = []
    for span in found:
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
        elif span.end > kept[-1].end:
            kept[-1] = Identifier(kept[-1].start, span.end, kept[-1].kind)
    return tuple(kept)


def masked(text: str, span: Identifier) -> str:
    """The span with only the first character of each word shown: enough to find it, too little to publish it."""
    return " ".join(word[:1] + "*" * min(len(word) - 1, 8) for word in text[span.start : span.end].split())
