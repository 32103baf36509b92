import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.methods.pairings import against_counterparts, presentations, within_group


def test_against_counterparts_each_pair_is_shown_in_both_orders() -> None:
    pairing = against_counterparts(["g1", "g2"], ["c1"])
    assert pairing == {"g1": ("c1",), "g2": ("c1",)}
    assert presentations(pairing) == (("g1", "c1"), ("c1", "g1"), ("g2", "c1"), ("c1", "g2"))


def test_within_a_group_no_presentation_is_asked_for_twice() -> None:
    pairing = within_group(["a", "b", "c"])
    assert pairing == {"a": ("b", "c"), "b": ("a", "c"), "c": ("a", "b")}
    assert sorted(presentations(pairing)) == [("a", "b"), ("a", "c"), ("b", "a"), ("b", "c"), ("c", "a"), ("c", "b")]


@settings(deadline=None)
@given(st.integers(2, 8), st.integers(1, 6))
def test_how_many_calls_a_group_costs(group: int, counterparts: int) -> None:
    rollouts = [f"g{number}" for number in range(group)]
    fixed = against_counterparts(rollouts, [f"c{number}" for number in range(counterparts)])
    assert len(presentations(fixed)) == group * counterparts * 2
    assert len(presentations(within_group(rollouts))) == group * (group - 1)


def test_what_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="same label"):
        against_counterparts(["a", "b"], ["b"])
    with pytest.raises(ValueError, match="same label"):
        within_group(["a", "a"])
    with pytest.raises(ValueError, match="no counterparts"):
        against_counterparts(["a"], [])
    with pytest.raises(ValueError, match="fewer than two"):
        within_group(["a"])
