"""Owns telling which principles say the same, by the cosine of their statements: among new ones, and with the corpus.

Invariant: principles of opposite polarity are never the same, however alike they read.
"""

from collections.abc import Sequence

from principles.embedding import Vectors


def groups_of_same(vectors: Vectors, polarities: Sequence[str], threshold: float) -> list[list[int]]:
    """Groups of rows of unit vectors (n, d); each joins the nearest group whose first row it is as near as threshold.

    Rows are taken in order, so the strongest should come first: it stands for its group, and nothing is chained.
    """
    groups: list[list[int]] = []
    for row in range(len(vectors)):
        open_ = [group for group in groups if polarities[group[0]] == polarities[row]]
        similarities = vectors[[group[0] for group in open_]] @ vectors[row] if open_ else []
        nearest = max(range(len(open_)), key=lambda at: similarities[at], default=None)
        if nearest is not None and similarities[nearest] >= threshold:
            open_[nearest].append(row)
        else:
            groups.append([row])
    return groups


def nearest_of(
    vectors: Vectors, polarities: Sequence[str], others: Vectors, others_polarities: Sequence[str]
) -> list[tuple[int, float] | None]:
    """For each row of unit vectors (n, d) the nearest of others (m, d) of its polarity, and the cosine."""
    found: list[tuple[int, float] | None] = []
    similarities = vectors @ others.T
    for row, polarity in enumerate(polarities):
        alike = [column for column, other in enumerate(others_polarities) if other == polarity]
        best = max(alike, key=lambda column: similarities[row, column], default=None)
        found.append(None if best is None else (best, float(similarities[row, best])))
    return found
