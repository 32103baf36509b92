"""The audit's plots that no other report has: the reliability curve, and a goal's value over thresholds.

Invariant: styled as every report's figures are, so that they read on light and on dark.
"""

from matplotlib.figure import Figure

from training.evaluation.audit.calibration import Calibration
from training.evaluation.audit.threshold import Choice
from training.runs.figures import COLOURS, INK, Series, lines

GOALS = {"cost": "expected cost per comparison", "f1": "F1 of met"}


def reliability(title: str, calibration: Calibration) -> Figure:
    """Draw the share met against the probability said, bin by bin with Wilson's intervals."""
    figure = lines(title, "share met, by experts", [Series("as said", [0.0, 1.0], [0.0, 1.0])], x_label="P(met)")
    axes, curve = figure.axes[0], calibration.curve
    axes.get_lines()[0].set(linestyle="--", color=INK, linewidth=0.8, marker="")
    said, shares = [one.mean_probability for one in curve], [one.met for one in curve]
    below = [max(0.0, share.mean - share.low) for share in shares]
    above = [max(0.0, share.high - share.mean) for share in shares]
    means = [share.mean for share in shares]
    axes.errorbar(said, means, yerr=[below, above], fmt="o-", color=COLOURS[0], ecolor=COLOURS[0], capsize=3)
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    return figure


def threshold_curve(title: str, choice: Choice) -> Figure:
    """Draw the goal's value over thresholds, with the present threshold and the chosen one."""
    steps, values = zip(*choice.curve, strict=True)
    figure = lines(title, GOALS[choice.goal], [Series("on all cases", steps, values)], x_label="verdict threshold")
    axes = figure.axes[0]
    axes.axvline(choice.current, color=INK, linestyle=":", linewidth=1.2, label=f"present, {choice.current:g}")
    axes.axvline(choice.threshold, color=COLOURS[1], linewidth=1.2, label=f"chosen, {choice.threshold:g}")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), labelcolor=INK)
    return figure
