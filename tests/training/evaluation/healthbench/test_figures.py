import math
from collections.abc import Sequence
from statistics import correlation

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.healthbench.figures import figures
from training.evaluation.healthbench.scorer import rescored
from training.evaluation.pooled import interval, paired
from training.evaluation.rows import Answered, Row

Criterion = tuple[float, bool | None, str, str | None]
HEDGES, SEEKS = "cluster:hedging_hedges", "cluster:hedging_seeks_context"


def made(id_: str, epoch: int, themes: list[str], criteria: Sequence[Criterion], text: str = "An answer.") -> Row:
    """A row as the log gives it; a criterion is (points, met, axis, cluster)."""
    verdicts = [
        {
            "criterion": f"{number}",
            "points": points,
            "tags": [f"axis:{axis}", *([cluster] if cluster else [])],
            "axis": axis,
            "met": met,
        }
        for number, (points, met, axis, cluster) in enumerate(criteria)
    ]
    values = {name: None if math.isnan(value) else value for name, value in rescored(verdicts).items()}
    tags = [f"theme:{theme}" for theme in themes]
    unread = sum(met is None for _, met, _, _ in criteria)
    answered = Answered(text, 0, 0, 0, 0.0, 1, None, {})
    metadata = {"example_tags": [*tags, "physician_agreed_category:x"]}
    return Row(id_, epoch, id_, values, tuple(verdicts), len(criteria), unread, "", answered, metadata)


ROWS = [
    made("a", 1, ["hedging"], [(5, True, "accuracy", HEDGES), (5, False, "completeness", SEEKS)], "x" * 2500),
    made("b", 1, ["hedging"], [(4, True, "accuracy", None), (-2, True, "accuracy", None)], "y " * 500),
    made("c", 1, ["our_own"], [(2, False, "accuracy", None), (-8, True, "communication_quality", None)], "z z"),
    made("d", 1, ["global_health"], [(3, True, "accuracy", None), (5, None, "completeness", SEEKS)], "w" * 4000),
]
"""Scores 1/2, 1/2, -4 and none."""


def test_worked_figures() -> None:
    found = figures(ROWS)
    values = {name: figure.value for name, figure in found.items()}
    assert list(values) == [
        "score",
        "score_unclipped",
        "theme:global_health",
        "theme:hedging",
        "theme:our_own",
        "axis:accuracy",
        "axis:completeness",
        "axis:communication_quality",
        HEDGES,
        SEEKS,
        "length_adjusted",
        "length_correlation",
        "characters",
        "words",
    ]
    assert values["score"] == 0.0
    assert values["score_unclipped"] == pytest.approx(-1.0)
    assert math.isnan(values["theme:global_health"])
    assert values["theme:hedging"] == 0.5
    assert values["theme:our_own"] == 0.0
    assert values["axis:accuracy"] == pytest.approx((1 + 0.5 + 0 + 1) / 4)
    assert values["axis:completeness"] == 0.0
    assert math.isnan(values["axis:communication_quality"])
    assert (values[HEDGES], values[SEEKS]) == (1.0, 0.0)
    assert values["characters"] == (2500 + 1000 + 3 + 4000) / 4
    assert values["words"] == (1 + 500 + 2 + 1) / 4
    assert values["length_correlation"] == pytest.approx(correlation([2500, 1000, 3], [0.5, 0.5, -4]))


def test_length_is_paid_for_before_the_mean_is_clipped() -> None:
    """(.5 - .0147 + .5 + 2 x .0147) / 2."""
    assert figures(ROWS[:2])["length_adjusted"].value == pytest.approx(0.5 + 0.0147 / 2)


def test_every_figure_has_a_row_a_sample_and_an_interval() -> None:
    clusters = [row.cluster for row in ROWS]
    for figure in figures(ROWS).values():
        assert len(figure.columns) == len(ROWS)
        assert interval(figure, clusters).n == len(ROWS)


def test_worst_at_k_over_epochs() -> None:
    """Of a: .2, .6, 1 the pairs' minima are .2, .2, .6; b has two scored runs of 0 and 1; c too few."""

    def run(id_: str, epoch: int, *met: bool | None) -> Row:
        return made(id_, epoch, [], [(5, one, "accuracy", None) for one in met])

    rows = [
        run("a", 1, True, False, False, False, False),
        run("b", 1, False),
        run("c", 1, True),
        run("a", 2, True, True, True, False, False),
        run("b", 2, None),
        run("c", 2, None),
        run("a", 3, True),
        run("b", 3, True),
        run("c", 3, None),
    ]
    found = figures(rows)
    assert [name for name in found if name.startswith("worst")] == ["worst_at_2", "worst_at_3"]
    assert found["worst_at_2"].value == pytest.approx(((0.2 + 0.2 + 0.6) / 3 + 0) / 2)
    assert found["worst_at_3"].value == pytest.approx(0.2)


def test_worst_at_k_is_given_for_powers_of_two_and_all_runs() -> None:
    rows = [made("a", epoch, [], [(1, epoch != 3, "accuracy", None)]) for epoch in range(1, 12)]
    found = figures(rows)
    assert [name for name in found if name.startswith("worst")] == [f"worst_at_{k}" for k in (2, 4, 8, 11)]
    assert found["worst_at_2"].value == pytest.approx(1 - 2 / 11)
    assert found["worst_at_11"].value == 0.0


def test_figures_of_one_epoch_have_no_worst() -> None:
    assert not [name for name in figures(ROWS) if name.startswith("worst")]


def test_two_arms_have_the_same_figures_and_pair() -> None:
    other = [
        made(row.id, row.epoch, [], [(v["points"], None, v["axis"], None) for v in row.verdicts]) for row in ROWS[:1]
    ]
    assert set(figures(other)) <= set(figures(ROWS))
    same = figures(ROWS)["score_unclipped"]
    assert paired(same, same, [row.cluster for row in ROWS], resamples=100).interval.mean == 0.0


def test_no_rows_have_no_score() -> None:
    found = figures([])
    assert math.isnan(found["score"].value)
    assert math.isnan(found["length_correlation"].value)


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(-5, 5)), min_size=3, max_size=30))
def test_the_correlation_is_pearsons(pairs: list[tuple[int, int]]) -> None:
    criteria = [[(5.0, True, "accuracy", None), (float(p) or 5.0, p != 0, "accuracy", None)] for _, p in pairs]
    rows = [
        made(str(n), 1, [], own, "x" * length) for n, (own, (length, _)) in enumerate(zip(criteria, pairs, strict=True))
    ]
    scores, lengths = [row.score or 0.0 for row in rows], [length for length, _ in pairs]
    value = figures(rows)["length_correlation"].value
    if len(set(scores)) == 1 or len(set(lengths)) == 1:
        assert math.isnan(value)
    else:
        assert value == pytest.approx(correlation(lengths, scores), abs=1e-6)
