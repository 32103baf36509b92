"""Owns the settings of a distillation, with the reason for each default.

Invariant: immutable, and every value that changes what comes out is here.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustering:
    """How criteria are grouped.

    ``threshold`` is the mean cosine at which two clusters still merge: on the miniclinic's criteria 0.55 has the best
    silhouette at a purity above 0.9 (``distil evaluate`` shows the table). ``dimensions`` of the principal components
    keep what 2,688 say. Up to ``exact_below`` clusters every pair is compared, above it each with those nearby.
    """

    threshold: float = 0.55
    dimensions: int = 256
    exact_below: int = 20_000
    seed: int = 0

    def __post_init__(self) -> None:
        if not -1.0 <= self.threshold <= 1.0:
            raise ValueError(f"threshold {self.threshold} is no cosine")
        if self.dimensions < 1 or self.exact_below < 1:
            raise ValueError("dimensions and exact_below must be positive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging:
    """How a model is asked. ``examples`` criteria stand for a cluster; ``retries`` are of calls that never answered."""

    prompts: Literal["compact", "full"] = "full"
    examples: int = 8
    concurrent: int = 16
    timeout_seconds: float = 120.0
    retries: int = 4
    max_tokens: int = 400
    temperature: float = 0.0

    def __post_init__(self) -> None:
        if self.examples < 1 or self.concurrent < 1 or self.max_tokens < 1 or self.timeout_seconds <= 0:
            raise ValueError("examples, concurrent, max_tokens and timeout_seconds must be positive")
        if self.retries < 0 or self.temperature < 0:
            raise ValueError("retries and temperature cannot be negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One distillation.

    ``min_support`` questions must ask for what becomes a principle. ``same_as`` is the cosine of statements from which
    two principles are one: the corpus's own 119, which are all different, reach 0.842.
    """

    clustering: Clustering = Clustering()
    merging: Merging = Merging()
    min_support: int = 3
    same_as: float = 0.85

    def __post_init__(self) -> None:
        if self.min_support < 1:
            raise ValueError("min_support must be positive")
        if not 0.0 < self.same_as <= 1.0:
            raise ValueError(f"same_as {self.same_as} is not in (0, 1]")
