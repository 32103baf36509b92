import pytest

from loadtest.run.figures import figures, of_stretch
from loadtest.run.gaps import Gaps
from loadtest.run.profile import Slo
from loadtest.run.row import End
from tests.loadtest.run.rows import profile, row

SLO = Slo(first_answer_seconds=1.5, e2e_seconds=3.0)
ROWS = [
    row(),
    row(scheduled=1.0, e2e=3.0),  # just within
    row(scheduled=2.0, e2e=3.1),
    row(scheduled=3.0, first_answer=1.6),
    row(scheduled=4.0, end=End.REFUSED, status=429, e2e=0.02, first_answer=None),
    row(scheduled=5.0, end=End.STREAM_ERROR, e2e=1.0),
    row(scheduled=6.0, end=End.LEFT, e2e=1.0),
    row(scheduled=7.0, slow=True, e2e=60.0),
]


def test_goodput_by_hand() -> None:
    found = of_stretch(ROWS, SLO, 0.0, 10.0)
    assert (found["requests"], found["good"], found["goodput_per_second"]) == (8, 2, 0.2)
    assert found["goodput_share"] == pytest.approx(2 / 6)  # neither who left nor who read slowly
    assert found["goodput_share_of_accepted"] == pytest.approx(2 / 5)
    assert found["last_miss_seconds_into"] == 5.0
    assert found["ends"] == {"ok": 5, "refused": 1, "stream_error": 1, "left": 1}
    assert (found["slow_readers"], found["refused_seconds"]["p99"]) == (1, 0.02)
    assert found["e2e_seconds"]["p50"] == pytest.approx((2.0 + 3.0) / 2)


@pytest.mark.parametrize(
    ("fields", "bounds", "keeps"),
    [
        ({}, {"ttfb_seconds": 0.1}, True),
        ({}, {"ttfb_seconds": 0.09}, False),
        ({"stream": False}, {"ttfb_seconds": 0.09}, True),
        ({}, {"tpot_ms": 19.9}, False),
        ({"tpot_ms": None}, {"tpot_ms": 1.0}, True),
        ({"first_answer": None}, {"first_answer_seconds": 9.0}, False),
        ({"end": End.CUT_OFF}, {"e2e_seconds": 9.0}, False),
    ],
)
def test_every_bound_has_to_be_kept(fields: dict[str, object], bounds: dict[str, float], keeps: bool) -> None:
    assert row(**fields).keeps(Slo(**bounds)) is keeps


def test_targets_and_stages_are_told_apart() -> None:
    stages = [{"name": name, "seconds": 5.0, "arrivals": {"type": "constant"}} for name in ("one", "two")]
    gaps = Gaps()
    gaps.add([10.0] * 99 + [100.0])
    rows = [row(), row(stage="two", scheduled=7.0, e2e=9.0), row(target="direct")]
    found = figures(profile(stages=stages), rows, {"gateway": gaps, "direct": Gaps()})
    assert (found["gateway"]["good"], found["direct"]["good"]) == (1, 1)
    assert {name: stage["good"] for name, stage in found["gateway"]["stages"].items()} == {"one": 1, "two": 0}
    assert found["gateway"]["stages"]["two"]["last_miss_seconds_into"] == 2.0
    assert found["gateway"]["itl_ms"]["p50"] == pytest.approx(10.0, rel=0.021)
    assert found["direct"]["itl_ms"] == {"p50": None, "p95": None, "p99": None}


def test_quantiles_of_gaps_are_right_to_the_width_of_a_bucket() -> None:
    gaps = Gaps()
    gaps.add(float(number) for number in range(1, 1001))
    for share in (0.01, 0.5, 0.95, 0.99, 1.0):
        assert gaps.quantile_ms(share) == pytest.approx(1000 * share, rel=0.021)
