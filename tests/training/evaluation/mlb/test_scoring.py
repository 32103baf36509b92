import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.mlb.scoring import COMBINATIONS, Combination, Counts, risk_quality, share


def test_f1_of_a_sample_by_hand() -> None:
    assert Counts(1, 2, 1).f1 == pytest.approx(2 / 5)
    assert Counts(0, 0, 0).f1 == 1.0
    assert Counts(0, 0, 3).f1 == Counts(0, 2, 0).f1 == 0.0


@pytest.mark.parametrize(
    ("values", "veto", "mean_of_six"),
    [
        ("111111", 1.0, 1.0),
        ("111100", 0.5, 4 / 6),
        ("011111", 0.0, 5 / 6),
        ("100000", 0.0, 1 / 6),
        ("000000", 0.0, 0.0),
    ],
)
def test_both_combinations_by_hand(values: str, veto: float, mean_of_six: float) -> None:
    met = [value == "1" for value in values]
    assert risk_quality(met, "veto") == pytest.approx(veto)
    assert risk_quality(met, "mean_of_six") == pytest.approx(mean_of_six)


@given(st.lists(st.booleans(), min_size=6, max_size=6), st.integers(0, 5), st.sampled_from(COMBINATIONS))
def test_a_missing_value_is_no_score(met: list[bool], place: int, combination: Combination) -> None:
    score = risk_quality(met, combination)
    assert score is not None
    assert 0.0 <= score <= 1.0
    assert risk_quality([*met[:place], None, *met[place + 1 :]], combination) is None


def test_six_values_and_no_other_number() -> None:
    with pytest.raises(ValueError, match="not 5 values"):
        risk_quality([True] * 5, "veto")


def test_share_of_verdicts() -> None:
    assert share([True, False, True, True]) == 0.75
    assert share([True, None]) is None
    assert share([]) is None
