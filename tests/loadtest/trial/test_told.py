import pytest

from loadtest.trial.told import told

TEXT = """preceptor_refusal_duration_seconds_bucket{{le="0.001",reason="busy"}} {under_1}
preceptor_refusal_duration_seconds_bucket{{le="0.002",reason="busy"}} {under_2}
preceptor_refusal_duration_seconds_bucket{{le="+Inf",reason="busy"}} {under_2}
preceptor_refused_total{{reason="busy"}} {under_2}
process_cpu_seconds_total {cpu}
"""


def test_only_what_came_between_the_two_scrapes_counts() -> None:
    before = TEXT.format(under_1=1000, under_2=1000, cpu=5.0)
    after = TEXT.format(under_1=1000, under_2=1100, cpu=7.5)
    found = told(before, after)
    assert found["refusal_seconds"] == {"p50": pytest.approx(0.0015), "p99": pytest.approx(0.00199)}
    assert (found["refused"], found["cpu_seconds"]) == (100.0, 2.5)
    assert found["event_loop_lag_seconds"] == {"p50": None, "p99": None}
