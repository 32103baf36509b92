import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from training.methods.surrogate import Clip, is_cut_off, surrogate

CLIP = Clip(0.2, 0.3)


@pytest.mark.parametrize(
    ("ratio", "advantage", "objective", "cut_off"),
    [
        (1.0, 2.0, 2.0, False),
        (1.5, 2.0, 2.6, True),
        (0.5, 2.0, 1.0, False),
        (1.5, -2.0, -3.0, False),
        (0.5, -2.0, -1.6, True),
        (1.3, 1.0, 1.3, False),
        (0.8, -1.0, -0.8, False),
        (9.0, 0.0, 0.0, False),
    ],
)
def test_by_hand(ratio: float, advantage: float, objective: float, cut_off: bool) -> None:
    arrays = np.array([ratio]), np.array([advantage])
    assert surrogate(*arrays, CLIP)[0] == pytest.approx(objective)
    assert is_cut_off(*arrays, CLIP)[0] == cut_off


@settings(deadline=None)
@given(st.floats(0.01, 10), st.floats(-5, 5))
def test_it_never_promises_more_than_the_ratio_gives(ratio: float, advantage: float) -> None:
    assert surrogate(np.array([ratio]), np.array([advantage]), CLIP)[0] <= ratio * advantage


@settings(deadline=None)
@given(st.floats(0.01, 10), st.floats(-5, 5).filter(lambda a: abs(a) > 0.01))
def test_cut_off_is_where_the_slope_is_zero(ratio: float, advantage: float) -> None:
    step = 1e-6
    assume(min(abs(ratio - 0.8), abs(ratio - 1.3)) > 1e-4)
    at, beyond = (surrogate(np.array([r]), np.array([advantage]), CLIP)[0] for r in (ratio, ratio + step))
    slope = (beyond - at) / step
    expected = 0.0 if is_cut_off(np.array([ratio]), np.array([advantage]), CLIP)[0] else advantage
    assert slope == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("low", "high"), [(-0.1, 0.2), (1.0, 0.2), (0.2, -0.1)])
def test_bounds_that_cannot_be(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="no clipping between"):
        Clip(low, high)
