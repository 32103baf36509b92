"""MLB's 22 datasets, each by the JSON key under which it is published: dimension, official size, format, metric.

Invariant: a dataset is known by its key alone; the published files' own ``name`` and ``type`` are wrong for some of
them and are never read. Source: He et al. 2026 (arXiv 2601.06193) and the authors' repository.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

DIMENSION_BASIS = "inferred by us from the order of the datasets and the published counts of 2, 5, 8, 4 and 3"


class Dimension(StrEnum):
    """One of the five things that MLB measures; which dataset belongs to which is our inference."""

    KNOWLEDGE = "MedKQA"
    SAFETY = "MedSE"
    UNDERSTANDING = "MedRU"
    SERVICE = "SmartServ"
    CARE = "SmartCare"


class Metric(StrEnum):
    """How a dataset's samples become one figure."""

    ACCURACY = "accuracy"
    MICRO_F1 = "micro-F1"
    JUDGED = "mean of judged scores"


class Format(StrEnum):
    """What is asked for, which decides how gold and answers are read and scored."""

    CHOICE = "choice"
    TERMS = "terms"
    ENTITIES = "entities"
    TRIPLES = "triples"
    EVENTS = "events"
    SAFETY = "safety"
    RISK_QUALITY = "risk and quality"
    POINTS = "points"

    @property
    def metric(self) -> Metric:
        """The published metric of every dataset of this format."""
        if self is Format.CHOICE:
            return Metric.ACCURACY
        return Metric.JUDGED if self in _JUDGED else Metric.MICRO_F1


_JUDGED = frozenset({Format.SAFETY, Format.RISK_QUALITY, Format.POINTS})


@dataclass(frozen=True, slots=True)
class Spec:
    """One dataset: ``size`` is the official number of samples; ``public`` data need no application to the authors."""

    key: str
    dimension: Dimension
    size: int
    format: Format
    public: bool = False

    @property
    def metric(self) -> Metric:
        """The published metric."""
        return self.format.metric


SPECS: Mapping[str, Spec] = {
    spec.key: spec
    for spec in (
        Spec("CMExam", Dimension.KNOWLEDGE, 100, Format.CHOICE, public=True),
        Spec("MAExam", Dimension.KNOWLEDGE, 200, Format.CHOICE),
        Spec("GeneralSafety", Dimension.SAFETY, 200, Format.SAFETY),
        Spec("MASafety", Dimension.SAFETY, 200, Format.CHOICE),
        Spec("MACompliance", Dimension.SAFETY, 200, Format.RISK_QUALITY),
        Spec("MAEthic", Dimension.SAFETY, 200, Format.RISK_QUALITY),
        Spec("MAHalt", Dimension.SAFETY, 200, Format.CHOICE),
        Spec("CHIP-CDN", Dimension.UNDERSTANDING, 100, Format.TERMS, public=True),
        Spec("CMeEE", Dimension.UNDERSTANDING, 100, Format.ENTITIES, public=True),
        Spec("CHIP-CDEE", Dimension.UNDERSTANDING, 100, Format.EVENTS, public=True),
        Spec("CMeIE", Dimension.UNDERSTANDING, 100, Format.TRIPLES, public=True),
        Spec("MAEESymp", Dimension.UNDERSTANDING, 200, Format.ENTITIES),
        Spec("MAEEDisease", Dimension.UNDERSTANDING, 200, Format.ENTITIES),
        Spec("MAEEMedic", Dimension.UNDERSTANDING, 150, Format.ENTITIES),
        Spec("MAEEOper", Dimension.UNDERSTANDING, 200, Format.ENTITIES),
        Spec("MAKnowledge", Dimension.SERVICE, 300, Format.CHOICE),
        Spec("MAGuidance", Dimension.SERVICE, 300, Format.CHOICE),
        Spec("MAReport", Dimension.SERVICE, 300, Format.CHOICE),
        Spec("MAMedication", Dimension.SERVICE, 300, Format.CHOICE),
        Spec("MAInspection", Dimension.CARE, 200, Format.POINTS),
        Spec("MADiagnosis", Dimension.CARE, 200, Format.POINTS),
        Spec("MARecord", Dimension.CARE, 200, Format.POINTS),
    )
}
"""Every dataset by its key, in the published order."""

TOPICS: Mapping[str, str] = {
    "MAInspection": "检查检验推荐及依据",
    "MADiagnosis": "诊断及诊断依据",
    "MARecord": "病历书写",
}
"""What the judge of points is told that the points are about; wording ours, what MLB fills in is not published."""
