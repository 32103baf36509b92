"""Owns how far reviewers agree on the same revision: on the preferred answer, and on each verdict.

Invariant: every reviewer counts once for a unit, by the last word given; units with one reviewer say nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from service.revision.feedback import FeedbackRecord
from training.evaluation.statistics import krippendorff_alpha
from training.feedback.usable import reviewer_of

Ratings = Mapping[str, Mapping[str, str]]
"""What each reviewer said of each unit: unit to reviewer to rating."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Over the ``units`` that several reviewers rated.

    ``agreed`` is the share of pairs of reviewers that say the same; ``kappa`` Cohen's, each pair of reviewers weighted
    by the units that it shares; ``alpha`` Krippendorff's, nominal. NaN where a figure has no meaning.
    """

    units: int
    reviewers: int
    pairs: int
    agreed: float
    kappa: float
    alpha: float


@dataclass(frozen=True, slots=True)
class Conflict:
    """A unit on which reviewers differ, with who said what."""

    unit: str
    ratings: Mapping[str, str]


def preference_ratings(records: Iterable[FeedbackRecord]) -> Ratings:
    """Each revision's preferred answer by reviewer."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for record in sorted(records, key=lambda record: record.created):
        found[record.revision_id][reviewer_of(record)] = record.preferred.value
    return found


def verdict_ratings(records: Iterable[FeedbackRecord]) -> Ratings:
    """Each verdict by reviewer; a unit is revision, subject and number of criterion."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for record in sorted(records, key=lambda record: record.created):
        for given in record.verdicts:
            unit = f"{record.revision_id}/{given.subject}/{given.criterion}"
            found[unit][reviewer_of(record)] = "met" if given.met else "not met"
    return found


def agreement(ratings: Ratings) -> Agreement:
    """How far reviewers agree. Source of kappa: Cohen 1960; of alpha: Krippendorff 2004."""
    shared = [unit for unit in ratings.values() if len(unit) > 1]
    by_pair: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for unit in shared:
        for first, second in combinations(sorted(unit), 2):
            by_pair[first, second].append((unit[first], unit[second]))
    pairs = [pair for found in by_pair.values() for pair in found]
    return Agreement(
        units=len(shared),
        reviewers=len({reviewer for unit in shared for reviewer in unit}),
        pairs=len(pairs),
        agreed=_share(pairs),
        kappa=_kappa(list(by_pair.values())),
        alpha=krippendorff_alpha([list(unit.values()) for unit in shared]),
    )


def conflicts(ratings: Ratings) -> tuple[Conflict, ...]:
    """The units whose reviewers do not all say the same, in order."""
    return tuple(Conflict(unit, dict(said)) for unit, said in sorted(ratings.items()) if len(set(said.values())) > 1)


def cohen_kappa(pairs: Sequence[tuple[str, str]]) -> float:
    """Cohen's kappa of two raters' ratings of the same units; NaN without any and where both always say one thing."""
    if not pairs:
        return float("nan")
    n = len(pairs)
    values = {value for pair in pairs for value in pair}
    chance = sum(
        sum(first == value for first, _ in pairs) * sum(second == value for _, second in pairs) for value in values
    )
    expected = chance / n**2
    return (_share(pairs) - expected) / (1 - expected) if expected < 1 else float("nan")


def _kappa(groups: Sequence[Sequence[tuple[str, str]]]) -> float:
    known = [(len(group), kappa) for group in groups if (kappa := cohen_kappa(group)) == kappa]
    weight = sum(n for n, _ in known)
    return sum(n * kappa for n, kappa in known) / weight if weight else float("nan")


def _share(pairs: Sequence[tuple[str, str]]) -> float:
    return sum(first == second for first, second in pairs) / len(pairs) if pairs else float("nan")
