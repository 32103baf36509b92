"""HealthBench's score as a pure function of verdicts: of an example, of a tag, over several runs, and by length.

Invariant: one verdict that could not be read leaves every score that needs it unscored (None): to drop the criterion,
or to call it not met, would move the score. Sources: HealthBench (arXiv 2505.08775) and OpenAI's simple-evals; the
length adjustment is HealthBench Professional's (arXiv 2604.27470, section 4.1).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CONSENSUS_LEVEL = "level:cluster"
"""Tag of a consensus criterion: a text that many examples share, each time with its ``cluster:`` tag."""
LENGTH_CENTRE_CHARACTERS = 2_000.0
LENGTH_COST_PER_500_CHARACTERS = 0.0147


@dataclass(frozen=True, slots=True)
class Judged:
    """One criterion with its verdict; ``met`` is None where the judge's answer could not be read."""

    points: float
    tags: tuple[str, ...]
    met: bool | None


def score(judged: Iterable[Judged]) -> float | None:
    """Points of met criteria, negative ones included, over the points of positive criteria; not clipped.

    None where nothing is positive, so that no score is defined, and where a verdict is missing.
    """
    rows = list(judged)
    positive = math.fsum(row.points for row in rows if row.points > 0)
    if not positive or any(row.met is None for row in rows):
        return None
    return math.fsum(row.points for row in rows if row.met) / positive


def tag_score(judged: Iterable[Judged], tag: str) -> float | None:
    """The same score over the criteria that carry a tag: an axis, or a consensus cluster."""
    return score(row for row in judged if tag in row.tags)


def worst_at(k: int, runs: Sequence[float]) -> float:
    """The mean of the minimum over all ``k``-subsets of an example's scored runs, exactly.

    The run in place i from the lowest is the minimum of C(n - i, k - 1) of the C(n, k) subsets. Raises ``ValueError``
    unless 1 <= k <= n.
    """
    n = len(runs)
    if not 1 <= k <= n:
        raise ValueError(f"worst-at-{k} of {n} runs")
    weighted = (math.comb(n - place, k - 1) * value for place, value in enumerate(sorted(runs), start=1))
    return math.fsum(weighted) / math.comb(n, k)


def length_adjusted(
    score: float,
    characters: int,
    *,
    centre: float = LENGTH_CENTRE_CHARACTERS,
    cost_per_500: float = LENGTH_COST_PER_500_CHARACTERS,
) -> float:
    """An example's score less what its length costs; an answer shorter than the centre gains. Not clipped."""
    return score - cost_per_500 * (characters - centre) / 500
