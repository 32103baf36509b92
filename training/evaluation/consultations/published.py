"""PulseMind's published win, tie and loss rates against six models (arXiv 2601.07344, Fig. 4), and their means.

Invariant: a rate that the figure does not show legibly is None, unless it is what is left of the other two.
"""

from dataclasses import dataclass

from training.evaluation.statistics import Interval, wilson_interval

SIZES = {"MedDiagnose": 237, "CMtMedQA": 1000}
"""Consultations of each set."""
MACRO_WIN_RATE = 0.760
"""As published (Table 4): the mean of the twelve cells."""


@dataclass(frozen=True, slots=True)
class PublishedCell:
    """One set against one model; shares of 1, None where not legible."""

    source: str
    counterpart: str
    win: float
    tie: float | None
    loss: float | None

    @property
    def win_interval(self) -> Interval:
        """Wilson's 95% interval of the win rate over the set's consultations; none is published."""
        size = SIZES[self.source]
        return wilson_interval(self.win * size, size)


FIGURE_4 = (
    PublishedCell("MedDiagnose", "GPT-4o", 0.94, None, None),
    PublishedCell("MedDiagnose", "o1", 0.89, 0.08, 0.03),
    PublishedCell("MedDiagnose", "Gemini-2.5-Pro", 0.54, 0.22, 0.24),
    PublishedCell("MedDiagnose", "Qwen2.5-VL-72B", 0.86, 0.11, 0.03),
    PublishedCell("MedDiagnose", "InternVL3-78B", 0.83, 0.12, 0.05),
    PublishedCell("MedDiagnose", "Lingshu", 0.98, None, None),
    PublishedCell("CMtMedQA", "GPT-4o", 0.73, 0.17, 0.10),
    PublishedCell("CMtMedQA", "o1", 0.83, 0.10, 0.07),
    PublishedCell("CMtMedQA", "Gemini-2.5-Pro", 0.72, 0.16, 0.12),
    PublishedCell("CMtMedQA", "Qwen2.5-VL-72B", 0.54, 0.22, 0.24),
    PublishedCell("CMtMedQA", "InternVL3-78B", 0.55, 0.18, 0.27),
    PublishedCell("CMtMedQA", "Lingshu", 0.71, 0.13, 0.16),
)
REMAINDERS = frozenset({("MedDiagnose", "o1"), ("MedDiagnose", "Qwen2.5-VL-72B")})
"""Cells whose loss is 1 less win and tie."""


def macro_win_rate() -> float:
    """Return the mean over cells, each counting alike."""
    return sum(cell.win for cell in FIGURE_4) / len(FIGURE_4)


def sample_weighted_win_rate() -> float:
    """Return the mean over consultations: each cell counts by the size of its set."""
    sizes = [SIZES[cell.source] for cell in FIGURE_4]
    return sum(cell.win * size for cell, size in zip(FIGURE_4, sizes, strict=True)) / sum(sizes)
