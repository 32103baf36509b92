import xml.etree.ElementTree as ET

import numpy as np

from tests.training.evaluation.audit.made import noisy
from training.evaluation.audit.calibration import calibration
from training.evaluation.audit.plots import reliability, threshold_curve
from training.evaluation.audit.threshold import choose
from training.runs.figures import svg


def test_plots_draw_what_they_are_given() -> None:
    items = noisy(200, shift=1.0)
    found, choice = calibration(items, bins=5), choose(items, current=0.5)
    assert found is not None
    curve = reliability("Reliability", found).axes[0]
    drawn = [np.asarray(line.get_ydata()).tolist() for line in curve.get_lines()]
    assert [one.met.mean for one in found.curve] in drawn
    figure = threshold_curve("Threshold", choice)
    ET.fromstring(svg(figure, "Threshold"))
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()][1:] == ["present, 0.5", f"chosen, {choice.threshold:g}"]
