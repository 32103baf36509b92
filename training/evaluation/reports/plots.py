"""Plots of a report on a run: differences as a forest, figures by axis, score against cost, reliability.

Invariant: direction and certainty are told by shape as well as by colour; every number drawn is also written.
"""

import math
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from training.evaluation.reports import shown
from training.evaluation.reports.reliability import Point
from training.evaluation.statistics import Interval
from training.runs.figures import COLOURS, INK, canvas, reach

RISES, FALLS, OPEN = "rises", "falls", "open"
_MARKS = {RISES: (">", COLOURS[0]), FALLS: ("<", COLOURS[1]), OPEN: ("o", COLOURS[6])}
_SHAPES = "osD^vPX*"
_IN_TITLE, _AT_AXIS, _IN_LEGEND = 52, 24, 18
_IN_A_ROW = 4


def direction(interval: Interval) -> str:
    """Whether an interval lies wholly above 0 or below it; else the sign is open."""
    if interval.low > 0:
        return RISES
    return FALLS if interval.high < 0 else OPEN


def differences(title: str, x_label: str, rows: Mapping[str, Interval]) -> Figure:
    """Draw paired differences, one a row, top to bottom, against the line of no difference.

    A pointed blue mark to the right: above 0 with its interval; an orange one to the left: below; a round grey one:
    the interval holds 0. Differences that are no numbers are left out.
    """
    drawn = {name: interval for name, interval in rows.items() if math.isfinite(interval.mean)}
    with canvas(shown.label(title, _IN_TITLE), 1.05 + 0.46 * len(drawn)) as (figure, axes):
        places = range(len(drawn) - 1, -1, -1)
        axes.axvline(0, color=INK, linewidth=0.8, linestyle="--")
        for place, interval in zip(places, drawn.values(), strict=True):
            mark, colour = _MARKS[direction(interval)]
            axes.errorbar([interval.mean], [place], xerr=reach([interval]), fmt=mark, color=colour, capsize=3)
        labels = [f"{_short(name)}\n{shown.interval(one, signed=True)}" for name, one in drawn.items()]
        axes.set_yticks(list(places), labels)
        axes.set(xlabel=x_label, ylim=(-0.6, len(drawn) - 0.4))
        axes.grid(axis="x", alpha=0.2, color=INK)
        return figure


def by_axis(title: str, x_label: str, rows: Mapping[str, Mapping[str, Interval]]) -> Figure:
    """Draw a group of bars with intervals for each axis, top to bottom, one colour for each arm."""
    arms = list(dict.fromkeys(arm for row in rows.values() for arm in row))
    height = 0.8 / max(1, len(arms))
    with canvas(shown.label(title, _IN_TITLE), 1.5 + len(rows) * (0.25 + 0.16 * len(arms))) as (figure, axes):
        for number, arm in enumerate(arms):
            offset = (number - (len(arms) - 1) / 2) * height
            found = [(place + offset, row[arm]) for place, row in enumerate(rows.values()) if arm in row]
            axes.barh(
                [place for place, _ in found],
                [interval.mean for _, interval in found],
                height * 0.9,
                xerr=reach([interval for _, interval in found]),
                color=COLOURS[number % len(COLOURS)],
                ecolor=INK,
                capsize=2,
                label=_short(arm, _IN_LEGEND),
            )
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_yticks(range(len(rows)), [_short(name) for name in rows])
        axes.invert_yaxis()
        axes.set_xlabel(x_label)
        _name_arms(figure, len(arms))
        return figure


def against_cost(title: str, y_label: str, arms: Mapping[str, tuple[float, Interval]]) -> Figure:
    """Draw each arm's score with its interval over its mean tokens a sample."""
    with canvas(shown.label(title, _IN_TITLE), 3.8) as (figure, axes):
        for number, (arm, (tokens, score)) in enumerate(arms.items()):
            axes.errorbar(
                [tokens],
                [score.mean],
                yerr=reach([score]),
                fmt=_SHAPES[number % len(_SHAPES)],
                color=COLOURS[number % len(COLOURS)],
                capsize=3,
                label=_short(arm, _IN_LEGEND),
            )
        axes.set(xlabel="tokens a sample (mean)", ylabel=y_label)
        axes.set_xlim(left=0)
        axes.grid(alpha=0.2, color=INK)
        _name_arms(figure, len(arms))
        return figure


def calibration(title: str, points: Sequence[Point]) -> Figure:
    """Draw the share that was met over the judge's mean probability, against the diagonal of a calibrated judge."""
    with canvas(shown.label(title, _IN_TITLE), 3.8) as (figure, axes):
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle="--")
        axes.errorbar(
            [point.probability for point in points],
            [point.met.mean for point in points],
            yerr=reach([point.met for point in points]),
            fmt="o-",
            color=COLOURS[0],
            capsize=3,
        )
        axes.set(xlabel="judge's probability (mean of a bin)", ylabel="share met", xlim=(0, 1), ylim=(0, 1))
        return figure


def _name_arms(figure: Figure, arms: int) -> None:
    figure.legend(loc="outside lower left", ncols=min(_IN_A_ROW, arms))


def _short(name: str, most: int = _AT_AXIS) -> str:
    """A name that leaves room for what is drawn, however wide its letters are."""
    return shown.label(name.replace("_", " "), most)
