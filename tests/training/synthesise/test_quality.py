import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.healthbench import HealthBenchCriterion
from training.synthesise.quality import Bounds, Drop, figures, sift


def criteria(*points: int) -> tuple[HealthBenchCriterion, ...]:
    return tuple(
        HealthBenchCriterion(criterion=f"c{number}", points=value, tags=("level:example",))
        for number, value in enumerate(points)
    )


TWO = criteria(6, -3)


def test_figures_are_the_rubric_scores_and_passes() -> None:
    found = figures(TWO, [[True, False], [True, True], [False, False], [None, False]])
    assert found.scores_G == (1.0, 0.5, 0.0, None)
    assert found.mean == 0.5
    assert found.pass_rates_K == (2 / 3, 3 / 4)


@pytest.mark.parametrize(
    ("verdicts", "drop"),
    [
        ([[True, False]] * 8, Drop.SATURATED),
        ([[True, False]] * 6 + [[False, False]] * 2, None),
        ([[True, False]] * 7 + [[False, False]], Drop.SATURATED),
        ([[False, False]] * 8, Drop.NEVER_MET),
        ([[False, True]] * 4 + [[False, False]] * 4, Drop.NEVER_MET),
        ([[True, False]] + [[False, True]] * 7, Drop.BELOW),
        ([[True, True]] + [[False, False]] * 7, None),
    ],
)
def test_the_published_bounds_decide(verdicts: list[list[bool]], drop: Drop | None) -> None:
    sifted = sift(TWO, verdicts, Bounds())
    assert sifted.drop is drop
    assert sifted.kept == (TWO if drop is None else ())


def test_a_mean_on_the_bound_stays() -> None:
    verdicts = [[True, False]] * 3 + [[False, False]]
    assert sift(TWO, verdicts, Bounds(max_mean=0.75)).drop is None
    assert sift(TWO, verdicts, Bounds(max_mean=0.74)).drop is Drop.SATURATED


def test_criteria_that_nearly_always_pass_go_one_by_one() -> None:
    three = criteria(6, 4, -3)
    verdicts = [[True, False, False], [True, True, False], [True, False, False], [True, False, True]]
    sifted = sift(three, verdicts, Bounds(max_pass_rate=0.75))
    assert [criterion.criterion for criterion in sifted.kept] == ["c1"]
    assert (sifted.dropped_criteria, sifted.drop) == (2, None)
    assert sift(three, verdicts, Bounds(max_pass_rate=0.25)).drop is Drop.NOTHING_LEFT


def test_without_enough_scores_nothing_is_decided() -> None:
    with pytest.raises(ValueError, match="too few"):
        sift(TWO, [[None, None]] * 6 + [[True, False]] * 2, Bounds())


@given(st.lists(st.lists(st.sampled_from([True, False, None]), min_size=3, max_size=3), min_size=1, max_size=8))
def test_an_unscored_verdict_counts_for_nothing(verdicts: list[list[bool | None]]) -> None:
    three = criteria(5, 2, -4)
    found = figures(three, verdicts)
    for number, criterion in enumerate(three):
        scored = [row[number] for row in verdicts if row[number] is not None]
        passed = sum(verdict == (criterion.points > 0) for verdict in scored)
        assert found.pass_rates_K[number] == (passed / len(scored) if scored else None)
