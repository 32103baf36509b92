from html.parser import HTMLParser

import pytest

from tests.training.evaluation.audit.made import item, noisy
from training.evaluation.audit.audit import audit
from training.evaluation.audit.audited import Audited
from training.evaluation.audit.bias import BothOrders
from training.evaluation.audit.page import audit_page

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
