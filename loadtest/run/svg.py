"""Plots as SVG, drawn here so that a report needs no library and no script: lines or points over two linear axes.

Invariant: every text is escaped, and nothing in a plot refers to anything outside it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

_WIDTH, _HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 30, 44
_COLOURS = ("#1f5fa8", "#c2571a", "#2e7d4f", "#8e3a8c", "#7a6a1f", "#a8323e")
_TICKS = 6
# More points than a plot is wide cannot be seen.
_MOST_POINTS = 1200

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """One line or cloud of points, with its name in the legend."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Axis:
    """A range and its name with the unit."""

    label: str
    low: float
    high: float

    def ticks(self) -> list[float]:
        """About six round numbers within the range."""
        step = _round_step((self.high - self.low) / _TICKS)
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]


def plot(
    title: str, x_label: str, y_label: str, series: Sequence[Series], kind: Literal["line", "points"] = "line"
) -> str:
    """One plot; empty series are left out, and without any there is a plot that says so."""
    shown = [Series(one.name, thinned(one.points)) for one in series if one.points]
    if not shown:
        told = f"{escape(title)}: nothing to show"
        return f'<svg viewBox="0 0 {_WIDTH} 60" role="img"><text x="8" y="24">{told}</text></svg>'
    x = _axis(x_label, [point[0] for one in shown for point in one.points])
    y = _axis(y_label, [point[1] for one in shown for point in one.points])
    drawn = [_series(one, x, y, _COLOURS[number % len(_COLOURS)], number, kind) for number, one in enumerate(shown)]
    return "".join(
        (
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">',
            f'<text class="title" x="{_LEFT}" y="16">{escape(title)}</text>',
            _grid(x, y),
            *drawn,
            "</svg>",
        )
    )


def cumulative(values: Sequence[float]) -> list[Point]:
    """Each value with the percentage of values that do not exceed it."""
    ordered = sorted(values)
    return [(value, 100 * (place + 1) / len(ordered)) for place, value in enumerate(ordered)]


def thinned(points: Sequence[Point]) -> Sequence[Point]:
    """At most as many points as can be told apart, the last among them."""
    every = -(-len(points) // _MOST_POINTS)
    return points if every <= 1 else [*points[:-1:every], points[-1]]


def _axis(label: str, values: Sequence[float]) -> Axis:
    low, high = min(0.0, *values), max(values)
    return Axis(label, low, high if high > low else low + 1.0)


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))


def _x(axis: Axis, value: float) -> float:
    return round(_LEFT + (value - axis.low) / (axis.high - axis.low) * (_WIDTH - _LEFT - _RIGHT), 1)


def _y(axis: Axis, value: float) -> float:
    return round(_HEIGHT - _BOTTOM - (value - axis.low) / (axis.high - axis.low) * (_HEIGHT - _TOP - _BOTTOM), 1)


def _grid(x: Axis, y: Axis) -> str:
    floor = _HEIGHT - _BOTTOM
    parts = []
    for tick in x.ticks():
        at = _x(x, tick)
        parts.append(f'<line class="grid" x1="{at}" y1="{_TOP}" x2="{at}" y2="{floor}"/>')
        parts.append(f'<text class="tick" x="{at}" y="{floor + 14}" text-anchor="middle">{tick:.6g}</text>')
    for tick in y.ticks():
        at = _y(y, tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{at}" x2="{_WIDTH - _RIGHT}" y2="{at}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 6}" y="{at + 4}" text-anchor="end">{tick:.6g}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text class="label" x="{middle}" y="{_HEIGHT - 10}" text-anchor="middle">{escape(x.label)}</text>')
    parts.append(
        f'<text class="label" transform="translate(14 {(_TOP + floor) / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(y.label)}</text>"
    )
    return "".join(parts)


def _series(one: Series, x: Axis, y: Axis, colour: str, number: int, kind: Literal["line", "points"]) -> str:
    places = [(_x(x, px), _y(y, py)) for px, py in one.points]
    if kind == "points":
        drawn = "".join(
            f'<circle cx="{px}" cy="{py}" r="1.6" fill="{colour}" fill-opacity="0.6"/>' for px, py in places
        )
    else:
        path = " ".join(f"{px},{py}" for px, py in places)
        drawn = f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
    at = _LEFT + 8 + 150 * (number % 3)
    below = _TOP + 12 + 14 * (number // 3)
    legend = f'<text class="legend" x="{at}" y="{below}" style="fill:{colour}">{escape(one.name)}</text>'
    return drawn + legend
