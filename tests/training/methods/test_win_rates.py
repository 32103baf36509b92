import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.methods.crpo import Cells
from training.methods.win_rates import per_counterpart, per_dimension

# Two rollouts, two counterparts, four dimensions.
CELLS: tuple[Cells, Cells] = (
    ((1.0, 0.0, None, 1.0), (0.0, 0.0, None, 0.5)),
    ((1.0, 1.0, None, None), (None, None, None, None)),
)

cell = st.none() | st.sampled_from([0.0, 0.5, 1.0])
cells_GCD = st.lists(
    st.tuples(*[st.tuples(cell, cell, cell, cell)] * 3), min_size=1, max_size=5
)  # fmt: skip


def test_by_hand() -> None:
    assert list(per_counterpart(CELLS)) == pytest.approx([4 / 5, 0.5 / 3])
    assert list(per_dimension(CELLS)) == pytest.approx([2 / 3, 1 / 3, None, 1.5 / 2])


def test_rollouts_have_the_same_counterparts() -> None:
    with pytest.raises(ValueError, match="shorter"):
        per_counterpart([CELLS[0], CELLS[0][:1]])


@settings(deadline=None)
@given(cells_GCD)
def test_rates_are_bounded_and_of_the_right_shape(group: list[Cells]) -> None:
    assert (len(per_counterpart(group)), len(per_dimension(group))) == (3, 4)
    assert all(rate is None or 0.0 <= rate <= 1.0 for rate in per_counterpart(group) + per_dimension(group))


@settings(deadline=None)
@given(cells_GCD)
def test_the_order_of_rollouts_is_of_no_account(group: list[Cells]) -> None:
    assert per_counterpart(group[::-1]) == per_counterpart(group)
    assert per_dimension(group[::-1]) == per_dimension(group)
