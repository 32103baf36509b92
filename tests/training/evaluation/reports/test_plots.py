"""Plots of a report: what is drawn where, and by which mark."""

import math

import numpy as np
import pytest

from training.evaluation.reports.html import plot
from training.evaluation.reports.plots import against_cost, by_axis, calibration, differences, direction
from training.evaluation.reports.reliability import Point
from training.evaluation.statistics import Interval

UP, DOWN, OPEN = Interval(0.2, 0.1, 0.3, 9), Interval(-0.2, -0.3, -0.1, 9), Interval(0.1, -0.1, 0.3, 9)
NOTHING = Interval(math.nan, math.nan, math.nan, 0)


def test_a_difference_s_mark_points_to_where_its_interval_lies() -> None:
    assert [direction(one) for one in (UP, DOWN, OPEN, NOTHING)] == ["rises", "falls", "open", "open"]
    axes = differences("t", "x", {"completeness": UP, "nothing": NOTHING, "communication": DOWN, "other": OPEN}).axes[0]
    points = [one for one in axes.get_lines() if one.get_marker() in ("<", ">", "o")]
    assert [(one.get_marker(), *np.asarray(one.get_xdata()), *np.asarray(one.get_ydata())) for one in points] == [
        (">", 0.2, 2),
        ("<", -0.2, 1),
        ("o", 0.1, 0),
    ]
    assert [label.get_text().split("\n")[0] for label in axes.get_yticklabels()] == [
        "completeness",
        "communication",
        "other",
    ]


def test_bars_by_axis_stand_beneath_each_other_in_order() -> None:
    axes = by_axis("t", "score", {"a_b": {"draft": UP, "guided": DOWN}, "c": {"guided": UP}}).axes[0]
    assert [patch.get_width() for patch in axes.patches] == [0.2, -0.2, 0.2]  # type: ignore[attr-defined]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a b", "c"]
    assert axes.yaxis_inverted()


def test_a_score_stands_over_its_cost() -> None:
    axes = against_cost("t", "score", {"draft": (100.0, UP), "guided": (300.0, OPEN)}).axes[0]
    points = [one for one in axes.get_lines() if one.get_marker() in ("o", "s")]
    assert [(*np.asarray(one.get_xdata()), *np.asarray(one.get_ydata())) for one in points] == [(100, 0.2), (300, 0.1)]


def test_reliability_is_drawn_against_the_diagonal() -> None:
    axes = calibration("t", [Point(0.1, Interval(0.2, 0.1, 0.4, 10)), Point(0.9, Interval(0.8, 0.6, 0.9, 10))]).axes[0]
    diagonal, curve = axes.get_lines()[:2]
    assert list(np.asarray(diagonal.get_xdata())) == [0, 1]
    assert list(np.asarray(curve.get_xdata())) == [0.1, 0.9]


@pytest.mark.parametrize("name", ["完整性" * 20, "</svg><script>", "\x00\u202e", "$x^2$", "W" * 100_000])
def test_any_name_can_be_drawn(name: str) -> None:
    drawn = [
        differences(name, "x", {name: UP}),
        by_axis(name, "x", {name: {name: UP}}),
        against_cost(name, "y", {name: (1.0, UP)}),
    ]
    for figure in drawn:
        code = plot(figure, name, "told")
        assert not {"<script", "\x00", "\u202e"} & {found for found in ("<script", "\x00", "\u202e") if found in code}
        assert len(code) < 60_000
