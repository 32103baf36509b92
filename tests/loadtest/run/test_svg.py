from xml.etree import ElementTree

import pytest

from loadtest.run.svg import Axis, Series, cumulative, plot, thinned

HOSTILE = "</text><script>alert(1)</script>&\"'"


def texts(drawn: str) -> list[str | None]:
    return [element.text for element in ElementTree.fromstring(drawn).iter("text")]


def test_a_line_goes_from_corner_to_corner() -> None:
    drawn = plot("T", "x", "y", [Series("one", [(0.0, 0.0), (10.0, 5.0)])])
    [line] = ElementTree.fromstring(drawn).iter("polyline")
    assert line.get("points") == "64.0,216.0 624.0,30.0"
    assert {"T", "x", "y", "one", "0", "10", "5"} <= set(texts(drawn))


def test_points_are_circles() -> None:
    drawn = plot("T", "x", "y", [Series("one", [(0.0, 1.0), (1.0, 2.0)])], "points")
    assert len(list(ElementTree.fromstring(drawn).iter("circle"))) == 2


def test_hostile_names_stay_text() -> None:
    drawn = plot(HOSTILE, HOSTILE, HOSTILE, [Series(HOSTILE, [(0.0, 1.0), (1.0, 2.0)])])
    assert texts(drawn).count(HOSTILE) == 4
    assert not list(ElementTree.fromstring(drawn).iter("script"))


@pytest.mark.parametrize("points", [[], [(0.0, 0.0)], [(3.0, 7.0)], [(1.0, 1e9), (2.0, 1e-9)]])
def test_whatever_there_is_can_be_drawn(points: list[tuple[float, float]]) -> None:
    assert ElementTree.fromstring(plot("T", "x", "y", [Series("one", points)])).tag == "svg"


def test_ticks_are_round() -> None:
    assert Axis("a", 0.0, 31.0).ticks() == [0, 10, 20, 30]
    assert Axis("a", 0.0, 0.7).ticks() == pytest.approx([0.0, 0.2, 0.4, 0.6])


def test_many_points_are_thinned_and_shares_add_up() -> None:
    points = [(float(n), float(n)) for n in range(5000)]
    assert len(thinned(points)) <= 1201
    assert thinned(points)[-1] == points[-1]
    assert cumulative([3.0, 1.0]) == [(1.0, 50.0), (3.0, 100.0)]
