"""Comparisons of two arms: pairs, what is left out, differences, p-values by hand, and costs."""

import math
from itertools import product
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.evaluation.reports.made import figures
from tests.training.evaluation.reports.rows_made import arm, row
from training.evaluation.pooled import Pooled, mean_of
from training.evaluation.reports.comparing import Comparison, compare, words
from training.evaluation.reports.reading import read_run
from training.evaluation.rows import Row


def scored(name: str, scores: dict[str, float | None], **other: float) -> Comparison:
    return compare(
        arm("one", [row(id_, {"score": score}, **other) for id_, score in scores.items()]),
        arm(name, [row(id_, {"score": 0.5}) for id_ in "abcdef"]),
        figures,
    )


def test_a_run_s_two_arms(made_run: Path) -> None:
    """Scored on both sides: cases 0, 1, 2, 4; guided .7 .4 .6 .8, draft .5 .4 .9 .3."""
    arms = read_run(made_run).arms["healthbench"]
    found = compare(arms["guided"], arms["draft"], figures)
    assert (found.pairs, found.only_first, found.only_second) == (5, 0, 1)
    assert (found.wins, found.ties, found.losses) == (2, 1, 1)
    score, completeness, communication = found.figures
    assert [score.first, score.second] == pytest.approx([0.625, 0.525])
    assert score.difference.interval.mean == pytest.approx(0.1)
    assert (score.difference.interval.n, score.left_out, score.family, score.adjusted) == (4, 1, None, None)
    assert completeness.difference.interval.mean == pytest.approx(0.625 - 0.2625)
    assert communication.difference.interval.mean == pytest.approx(-0.3)
    assert (communication.difference.interval.n, communication.left_out) == (5, 0)


def test_p_values_are_those_of_all_exchanges_by_hand(made_run: Path) -> None:
    """Differences .2, 0, -.3, .5: of the 16 sign patterns those with |sum| >= .4, which are 12."""
    differences = [0.2, 0.0, -0.3, 0.5]
    sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True))) for signs in product((1, -1), repeat=4)]
    exact = sum(total >= 0.4 - 1e-12 for total in sums) / 16
    assert exact == 0.75
    arms = read_run(made_run).arms["healthbench"]
    score, completeness, communication = compare(arms["guided"], arms["draft"], figures).figures
    assert score.difference.p_value == pytest.approx(exact, abs=0.02)
    smaller, larger = sorted((completeness, communication), key=lambda one: one.difference.p_value)
    assert smaller.adjusted == pytest.approx(2 * smaller.difference.p_value)
    assert larger.adjusted == pytest.approx(max(2 * smaller.difference.p_value, larger.difference.p_value))
    assert completeness.family == "axis"


def test_costs_are_medians_and_the_ratio_is_of_pairs(made_run: Path) -> None:
    arms = read_run(made_run).arms["healthbench"]
    costs = compare(arms["guided"], arms["draft"], figures).costs
    assert (costs["tokens"].first, costs["tokens"].second, costs["tokens"].ratio.mean) == (300, 100, 3.0)
    assert (costs["seconds"].first, costs["seconds"].second, costs["seconds"].ratio.mean) == (6.0, 3.0, 2.0)
    assert math.isnan(costs["seconds"].ratio.low)
    assert costs["words"].first == 3


def test_a_pair_that_either_side_could_not_score_is_left_out_of_both() -> None:
    found = scored("two", {"a": 0.9, "b": None, "c": 0.7, "z": 0.1})
    assert (found.pairs, found.only_first, found.only_second) == (3, 1, 3)
    assert [found.figures[0].first, found.figures[0].second] == pytest.approx([0.8, 0.5])
    assert (found.figures[0].difference.interval.n, found.figures[0].left_out) == (2, 1)


def test_a_sample_without_a_criterion_of_an_axis_is_not_left_out() -> None:
    """Neither side has the axis and all verdicts were read: there was nothing to score."""
    values = {"score": 0.5, "axis:completeness": None}
    sides = [arm(name, [row("a", values), row("b", {"score": 0.5, "axis:completeness": 1.0})]) for name in "xy"]
    axis = compare(sides[0], sides[1], figures).figures[1]
    assert (axis.difference.interval.n, axis.left_out) == (1, 0)
    unread = [arm(name, [row("a", values, unscored=1)]) for name in "xy"]
    axis = compare(unread[0], unread[1], figures).figures[1]
    assert (axis.difference.interval.n, axis.left_out) == (0, 1)
    assert math.isnan(axis.difference.p_value)


def test_a_figure_that_is_no_value_leaves_out_samples_without_a_score() -> None:
    def counted(rows: list[Row]) -> dict[str, Pooled]:
        return {"hits": Pooled(np.array([[1.0, 1.0]] * len(rows)), lambda sums: sums[..., 0] / sums[..., 1])}

    sides = [arm(name, [row("a", {"score": None}), row("b", {"score": 1.0})]) for name in "xy"]
    [found] = compare(sides[0], sides[1], counted).figures  # type: ignore[arg-type]
    assert found.difference.interval.n == 1


def test_epochs_of_one_question_are_one_cluster() -> None:
    def side(name: str, shift: float) -> list[Row]:
        return [row("a", {"score": 0.5 + shift}, epoch=epoch, cluster="a") for epoch in range(1, 5)]

    found = compare(arm("x", side("x", 0.1)), arm("y", side("y", 0.0)), figures)
    assert (found.pairs, found.figures[0].difference.interval.n, found.costs["tokens"].ratio.n) == (4, 4, 1)
    assert found.figures[0].difference.p_value == 1.0


def test_arms_without_a_sample_in_common_have_no_figures() -> None:
    found = compare(arm("x", [row("a", {"score": 1.0})]), arm("y", [row("b", {"score": 1.0})]), figures)
    assert (found.pairs, found.only_first, found.only_second, found.figures) == (0, 1, 1, ())
    assert math.isnan(found.costs["tokens"].first)


def test_only_the_headline_on_request() -> None:
    one = arm("x", [row("a", {"score": 1.0})])
    assert [figure.name for figure in compare(one, one, figures, headline_only=True).figures] == ["score"]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_the_second_arm_does_not_matter_and_sides_mirror(scores: list[float], generator: Random) -> None:
    ours = [row(str(n), {"score": score}) for n, score in enumerate(scores)]
    theirs = [row(str(n), {"score": 1 - score}) for n, score in enumerate(scores)]

    def headline(rows: list[Row]) -> dict[str, Pooled]:
        return {"score": mean_of([one.score for one in rows])}

    found = compare(arm("x", ours), arm("y", theirs), headline)  # type: ignore[arg-type]
    shuffled = list(theirs)
    generator.shuffle(shuffled)
    assert compare(arm("x", ours), arm("y", shuffled), headline) == found  # type: ignore[arg-type]
    mirrored = compare(arm("y", theirs), arm("x", ours), headline)  # type: ignore[arg-type]
    assert (mirrored.wins, mirrored.losses) == (found.losses, found.wins)
    assert mirrored.figures[0].difference.interval.mean == pytest.approx(-found.figures[0].difference.interval.mean)
    assert mirrored.figures[0].difference.p_value == pytest.approx(found.figures[0].difference.p_value)


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("Call 112, now!", 3), ("患者 needs 就医。", 5), ("don't", 2), ("\u202e", 0)]
)
def test_words_are_counted_in_any_script(text: str, count: int) -> None:
    assert words(text) == count
