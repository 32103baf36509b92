"""The published figures, and what follows of them."""

import pytest

from training.evaluation.consultations.published import (
    FIGURE_4,
    MACRO_WIN_RATE,
    REMAINDERS,
    SIZES,
    macro_win_rate,
    sample_weighted_win_rate,
)


def cell(source: str, counterpart: str) -> tuple[float, float]:
    found = next(one for one in FIGURE_4 if (one.source, one.counterpart) == (source, counterpart))
    return found.win_interval.low, found.win_interval.high


def test_the_published_aggregate_is_the_macro_mean_and_not_the_sample_weighted_one() -> None:
    assert macro_win_rate() == pytest.approx(MACRO_WIN_RATE)
    assert round(100 * macro_win_rate(), 1) == 76.0
    assert round(100 * sample_weighted_win_rate(), 2) == 71.07


def test_the_sets_means_are_as_checked() -> None:
    means = {source: [one.win for one in FIGURE_4 if one.source == source] for source in SIZES}
    assert {source: sum(wins) / len(wins) for source, wins in means.items()} == pytest.approx(
        {"MedDiagnose": 0.84, "CMtMedQA": 0.68}
    )


def test_wins_ties_and_losses_sum_to_one_where_all_are_known() -> None:
    known = [one for one in FIGURE_4 if one.tie is not None and one.loss is not None]
    assert len(known) == 10
    assert [one.win + (one.tie or 0) + (one.loss or 0) for one in known] == pytest.approx([1.0] * 10)
    assert {(one.source, one.counterpart) for one in known} >= REMAINDERS


def test_wilsons_interval_narrows_with_the_set() -> None:
    assert cell("MedDiagnose", "Gemini-2.5-Pro") == pytest.approx((0.476, 0.602), abs=5e-4)
    assert cell("CMtMedQA", "Qwen2.5-VL-72B") == pytest.approx((0.509, 0.571), abs=5e-4)
