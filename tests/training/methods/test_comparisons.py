import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.methods.comparisons import Better, Comparison, by_pair, in_both_orders, position_consistency

VERDICTS: tuple[Better | None, ...] = ("first", "second", "tie", None)
four = st.tuples(*[st.sampled_from(VERDICTS)] * 4)


def shown(*better_D: Better | None) -> Comparison:
    return Comparison("a", "b", better_D)


def swapped(*better_D: Better | None) -> Comparison:
    return Comparison("b", "a", better_D)


def test_swap_turns_labels_and_verdicts() -> None:
    assert shown("first", "second", "tie", None).swap() == swapped("second", "first", "tie", None)


def test_win_minus_loss() -> None:
    assert shown("first", "first", "second", "tie").win_minus_loss == 0.25
    assert shown("first", None, None, None).win_minus_loss == 1.0
    assert shown(None, None, None, None).win_minus_loss is None


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("first", "second", "first"),
        ("second", "first", "second"),
        ("tie", "tie", "tie"),
        # The place decided: whoever is shown first, or second, is preferred.
        ("first", "first", "tie"),
        ("second", "second", "tie"),
        # A win that the other order does not see.
        ("first", "tie", "tie"),
        ("tie", "first", "tie"),
        ("first", None, None),
        (None, "first", None),
        (None, None, None),
    ],
)
def test_what_both_orders_say(one: Better | None, other: Better | None, both: Better | None) -> None:
    joined = in_both_orders(shown(one, "tie", "tie", "tie"), swapped(other, "tie", "tie", "tie"))
    assert joined == shown(both, "tie", "tie", "tie")


@settings(deadline=None)
@given(four, four)
def test_it_is_the_same_from_both_sides(one: tuple[Better | None, ...], other: tuple[Better | None, ...]) -> None:
    assert in_both_orders(shown(*one), swapped(*other)) == in_both_orders(swapped(*other), shown(*one)).swap()


@settings(deadline=None)
@given(four)
def test_swap_undoes_itself_and_turns_the_sign(better_D: tuple[Better | None, ...]) -> None:
    comparison = shown(*better_D)
    assert comparison.swap().swap() == comparison
    won, lost = comparison.win_minus_loss, comparison.swap().win_minus_loss
    assert (won is None) == (lost is None)
    assert won is None or lost is None or won == -lost


@settings(deadline=None)
@given(four)
def test_a_judge_that_sees_no_place_is_believed(better_D: tuple[Better | None, ...]) -> None:
    assert in_both_orders(shown(*better_D), shown(*better_D).swap()) == shown(*better_D)


def test_position_consistency_is_over_what_both_orders_read() -> None:
    judged = [
        shown("first", "first", "tie", None),
        swapped("second", "first", "second", "tie"),
        Comparison("a", "c", ("first", "first", "first", "first")),
    ]
    # Proactiveness agrees, accuracy and usefulness do not, language was unreadable once; a and c were shown once.
    assert position_consistency(judged) == pytest.approx(1 / 3)
    assert position_consistency(judged[::-1]) == pytest.approx(1 / 3)
    assert position_consistency(judged[:1]) is None


def test_two_orders_are_of_one_pair() -> None:
    with pytest.raises(ValueError, match="is not the swapped"):
        in_both_orders(shown("tie", "tie", "tie", "tie"), shown("tie", "tie", "tie", "tie"))


def test_one_order_is_judged_once() -> None:
    once = shown("tie", "tie", "tie", "tie")
    assert by_pair([once, once.swap()]) == {("a", "b"): once, ("b", "a"): once.swap()}
    with pytest.raises(ValueError, match="judged twice"):
        by_pair([once, once])


def test_what_is_no_comparison() -> None:
    with pytest.raises(ValueError, match="with itself"):
        Comparison("a", "a", ("tie",) * 4)
    with pytest.raises(ValueError, match="3 verdicts on 4 dimensions"):
        Comparison("a", "b", ("tie",) * 3)
