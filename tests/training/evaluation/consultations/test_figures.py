"""Figures of a run: cells, macro and sample-weighted rates, dimensions, consistency."""

import math
from typing import Any

import numpy as np
import pytest

from tests.training.evaluation.consultations.held import answered
from training.evaluation.consultations.figures import cells_of, figures
from training.evaluation.consultations.judge import FIELDS, Outcome, Verdict
from training.evaluation.consultations.published import FIGURE_4
from training.evaluation.pooled import interval, paired
from training.evaluation.rows import Row


def row(name: str, source: str, joined: dict[str, Outcome | None], *, agree: bool = True, score: float = 0.5) -> Row:
    """One consultation of a set, with the same verdict on every field against each counterpart."""
    verdicts: list[dict[str, Any]] = [
        Verdict(them, field, one, one if agree else "loss", one, "", "").as_json()
        for them, one in joined.items()
        for field in FIELDS
    ]
    unscored = sum(verdict["joined"] is None for verdict in verdicts)
    metadata = {"consultation": {"source": source}}
    extra = {"withheld": 0}
    return Row(
        name,
        1,
        name,
        {"score": score},
        tuple(verdicts),
        len(verdicts),
        unscored,
        "",
        answered("a", extra=extra),
        metadata,
    )


def published(size: int, source: str) -> list[Row]:
    """As many consultations of a set, each model beaten in its published share of them."""
    cells = [cell for cell in FIGURE_4 if cell.source == source]
    return [
        row(f"{source}-{n}", source, {c.counterpart: "win" if n < round(c.win * size) else "loss" for c in cells})
        for n in range(size)
    ]


def test_the_published_table_gives_the_published_aggregate() -> None:
    found = figures([*published(100, "MedDiagnose"), *published(400, "CMtMedQA")])
    assert 100 * found["macro win rate"].value == pytest.approx(76.0)
    assert 100 * found["sample-weighted win rate"].value == pytest.approx((84.0 + 4 * 68.0) / 5)
    assert found["win: MedDiagnose / Lingshu"].value == pytest.approx(0.98)
    assert found["loss: CMtMedQA / InternVL3-78B"].value == pytest.approx(0.45)
    assert next(iter(found)) == "macro win rate"


def test_unscored_verdicts_are_in_no_rate_and_are_counted() -> None:
    rows = [row("1", "a", {"them": "win"}), row("2", "a", {"them": None}), row("3", "a", {"them": "tie"})]
    found = figures(rows)
    assert found["macro win rate"].value == 0.5
    assert found["unscored share"].value == pytest.approx(1 / 3)
    assert (found["win: accuracy"].value, found["tie: accuracy"].value, found["loss: accuracy"].value) == (
        0.5,
        0.5,
        0.0,
    )


def test_a_cell_without_a_verdict_has_no_rate_and_no_macro() -> None:
    found = figures([row("1", "a", {"them": "win"}), row("2", "b", {"them": None})])
    assert math.isnan(found["win: b / them"].value)
    assert math.isnan(found["macro win rate"].value)
    assert found["sample-weighted win rate"].value == 1.0


def test_consistency_is_over_what_both_orders_say() -> None:
    rows = [row("1", "a", {"them": "win"}), row("2", "a", {"them": "win"}, agree=False), row("3", "a", {"them": None})]
    assert figures(rows)["order consistency"].value == 0.5
    assert figures(rows)["order consistency: overall"].value == 0.5


def test_every_figure_has_a_row_a_sample_and_an_interval() -> None:
    rows = [row(str(n), "a" if n % 2 else "b", {"them": "win" if n % 3 else "loss", "him": "tie"}) for n in range(12)]
    assert cells_of(rows) == [("b", "them"), ("b", "him"), ("a", "them"), ("a", "him")]
    for figure in figures(rows).values():
        assert len(figure.columns) == len(rows)
    spread = interval(figures(rows)["macro win rate"])
    assert spread.low <= spread.mean <= spread.high
    assert spread.mean == pytest.approx(8 / 12 / 2)


def test_two_arms_are_paired_by_any_figure() -> None:
    better = [row(str(n), "a", {"them": "win"}, score=1.0) for n in range(8)]
    worse = [row(str(n), "a", {"them": "loss"}, score=0.0) for n in range(8)]
    difference = paired(figures(better)["macro win rate"], figures(worse)["macro win rate"], resamples=500)
    assert difference.interval.mean == 1.0
    assert difference.p_value < 0.05


def test_no_rows_have_no_figures_worth_a_number() -> None:
    assert all(np.isnan(figure.value) for figure in figures([]).values())
