"""The benchmarks by name, each with the figures that are made of its rows.

Invariant: the name is the one in a log's metadata, so that a log is read without its recipe.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from training.evaluation.consultations import figures as consultations
from training.evaluation.healthbench import figures as healthbench
from training.evaluation.healthbench import meta
from training.evaluation.mlb import figures as mlb
from training.evaluation.pooled import Pooled
from training.evaluation.rows import Row

Figures = Callable[[Sequence[Row]], dict[str, Pooled]]

Notes = Callable[[Sequence[Row]], list[str]]
"""What a report says beside a benchmark's figures."""

FIGURES: Final[Mapping[str, Figures]] = {
    "healthbench": healthbench.figures,
    "healthbench_meta": meta.figures,
    "mlb": mlb.figures,
    "consultations": consultations.figures,
}
NOTES: Final[Mapping[str, Notes]] = {"mlb": mlb.notes}
