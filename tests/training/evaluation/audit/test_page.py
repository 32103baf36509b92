import json
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest

from tests.training.evaluation.audit.made import item, noisy
from training.evaluation.audit.audit import as_json, audit
from training.evaluation.audit.audited import Audited
from training.evaluation.audit.bias import BothOrders
from training.evaluation.audit.calibration import calibration
from training.evaluation.audit.page import audit_page
from training.evaluation.audit.plots import reliability, threshold_curve
from training.evaluation.audit.threshold import choose
from training.runs.figures import svg

FACTS: dict[str, str | int | float] = {"judge": "<script>alert(1)</script>", "threshold": 0.5}


class _Balanced(HTMLParser):
    """Counts tags that are left open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checked(page: str) -> str:
    parser = _Balanced()
    parser.feed(page)
    assert parser.open == []
    assert "<script" not in page
    return page


def test_everything_is_on_the_page() -> None:
    items = noisy(120, shift=1.0)
    second = [Audited(one.case, one.labels, not one.labels[0], None, one.length) for one in items]
    pairs = [BothOrders(f"c{n}", "first", "second" if n % 3 else "first", (n, 5)) for n in range(12)]
    page = checked(audit_page(audit(items, second=second, pairs=pairs), FACTS))
    for said in (
        "Two judges",
        "Reliability curve",
        "Position: pairs",
        "Length: whether",
        "Value over thresholds",
        "held out",
    ):
        assert said in page
    assert "&lt;script&gt;" in page


def test_what_is_missing_is_said() -> None:
    page = checked(audit_page(audit([item(None, True), item(None, False)]), FACTS))
    for said in ("No verdict could be read", "no probabilities", "no pair of answers", "None was chosen"):
        assert said in page
    with pytest.raises(ValueError, match="nothing to audit"):
        audit([])


def test_an_audit_is_json_without_what_json_cannot_hold() -> None:
    one_class = as_json(audit([item(True, True, p=0.9), item(True, True, p=0.8)]))
    assert json.loads(json.dumps(one_class, allow_nan=False))["figures"]["kappa"]["mean"] is None
    assert one_class["calibration"]["skill"] is None
    assert one_class["no_choice"].startswith("a threshold needs")
    assert one_class["table"]["tp"] == 2


def test_two_judges_are_compared_on_what_both_were_read_on() -> None:
    """First right on 9 and wrong on 1, where second is the contrary; on 10 both are right, on 5 one is unread."""
    first = [item(n != 9, True, case=f"c{n}") for n in range(10)] + [item(True, True, case=f"d{n}") for n in range(15)]
    second = [item(n == 9, True, case=f"c{n}") for n in range(10)]
    second += [item(True if n < 10 else None, True, case=f"d{n}") for n in range(15)]
    found = audit(first, second=second).second
    assert found is not None
    assert found.n == 20
    assert found.differences["accuracy"].interval.mean == pytest.approx(8 / 20)
    assert found.mcnemar == pytest.approx(22 / 1024)


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
