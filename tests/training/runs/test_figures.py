"""Figures: what is drawn, twice the same, and on any ground."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from training.evaluation.statistics import Interval
from training.runs.figures import COLOURS, INK, MAX_POINTS, Series, bars, canvas, forest, lines, png, reach, svg

LOSS = Series("loss", [1, 2, 3, 4], [2.0, None, float("nan"), 0.5])
SFT, GRPO = Interval(0.5, 0.45, 0.55, 250), Interval(0.62, 0.58, 0.65, 250)


def line(figure: Figure, number: int = 0) -> Line2D:
    return figure.axes[0].get_lines()[number]


def xy(drawn: Line2D) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in zip(*map(np.asarray, drawn.get_data()), strict=True)]


def texts(code: str) -> set[str]:
    """Every text of an SVG, read as XML."""
    return {(node.text or "").strip() for node in ET.fromstring(code).iter() if node.tag.endswith("text")}


def test_a_line_leaves_out_what_is_no_number() -> None:
    assert xy(line(lines("Loss", "loss", [LOSS]))) == [(1.0, 2.0), (4.0, 0.5)]


def test_a_long_line_is_thinned_to_means_of_neighbours() -> None:
    values = [float(n % 2) for n in range(4 * MAX_POINTS)]
    drawn = xy(line(lines("Loss", "loss", [Series("loss", range(4 * MAX_POINTS), values)])))
    assert len(drawn) == MAX_POINTS
    assert {y for _, y in drawn} == {0.5}
    assert drawn[-1][0] == 4 * MAX_POINTS - 1


def test_only_several_lines_have_a_legend() -> None:
    assert lines("t", "y", [LOSS]).axes[0].get_legend() is None
    legend = lines("t", "y", [LOSS, Series("eval", [1], [1.0])]).axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["loss", "eval"]


def test_no_two_of_many_lines_look_alike() -> None:
    axes = lines("t", "y", [Series(str(n), [1, 2], [n, n]) for n in range(20)]).axes[0]
    assert len({(drawn.get_color(), drawn.get_linestyle()) for drawn in axes.get_lines()}) == 20


def test_bars_stand_at_their_means_with_their_intervals() -> None:
    figure = bars("Score", "score", {"draft": {"sft": SFT, "grpo": GRPO}, "guided": {"grpo": GRPO}})
    heights = [patch.get_height() for patch in figure.axes[0].patches]  # type: ignore[attr-defined]
    assert heights == [0.5, 0.62, 0.62]
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["draft", "guided"]


def test_a_forest_names_each_interval_from_top_to_bottom() -> None:
    figure = forest("Differences", "score", {"grpo - sft": GRPO, "crpo - sft": SFT})
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [f"grpo - sft\n{GRPO}", f"crpo - sft\n{SFT}"]
    assert list(axes.get_yticks()) == [1, 0]
    assert list(np.asarray(line(figure).get_xdata())) == [0.0, 0.0]
    assert xy(line(figure, 1)) == [(0.62, 1.0), (0.5, 0.0)]


@pytest.mark.parametrize("rows", [{}, {"one": Interval(0.4, 0.5, 0.6, 3)}])
def test_an_empty_forest_and_a_mean_outside_its_interval_can_be_drawn(rows: dict[str, Interval]) -> None:
    assert png(forest("Differences", "score", rows)).startswith(b"\x89PNG")


def test_the_same_data_gives_the_same_bytes() -> None:
    drawn = [lines("Loss", "loss", [LOSS]) for _ in range(2)]
    assert png(drawn[0]) == png(drawn[1])
    assert svg(drawn[0], "Loss") == svg(drawn[1], "Loss")
    assert svg(drawn[0], "Loss") == svg(drawn[0], "Loss")


def test_a_drawing_takes_its_ink_from_the_page_and_says_what_it_is() -> None:
    code = svg(lines('A "B" <C>', "loss", [LOSS]), 'A "B" <C>')
    assert INK not in code
    assert "currentColor" in code
    assert ET.fromstring(code).attrib["aria-label"] == 'A "B" <C>'
    assert {'A "B" <C>', "loss", "step"} <= texts(code)


def test_labels_are_text_and_never_markup_or_formulas() -> None:
    series = [Series("<b>$x^2$</b>", [1], [1.0]), Series("$unclosed", [1], [2.0])]
    assert {"<b>$x^2$</b>", "$unclosed"} <= texts(svg(lines("t", "y", series), "t"))


def test_a_canvas_is_of_the_house_and_reach_never_points_backwards() -> None:
    with canvas("Cost", 2.0) as (figure, axes):
        axes.plot([0, 1], [0, 1], color=COLOURS[0])
    assert list(figure.get_size_inches()) == [7.0, 2.0]
    assert not axes.spines["top"].get_visible()
    assert "Cost" in texts(svg(figure, "Cost"))
    below, above = reach([SFT, Interval(0.4, 0.5, 0.6, 3)])
    assert below == pytest.approx([0.05, 0.0])
    assert above == pytest.approx([0.05, 0.2])
