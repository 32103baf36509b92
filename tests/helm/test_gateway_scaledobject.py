"""Scaling by KEDA: what it asks of Prometheus, and what it does when it cannot see."""

from pathlib import Path

import pytest

from tests.helm.chart import of_kind, one, render
from tests.helm.promql import metrics_of

VALUES = {"gateway": {"autoscaling": {"kind": "keda", "prometheusUrl": "http://prometheus:9090", "maxReplicas": 5}}}


def test_it_asks_for_in_flight_and_queued_requests_of_this_release() -> None:
    triggers = one(render(VALUES), "ScaledObject", "preceptor-gateway")["spec"]["triggers"]
    assert [(t["type"], t["metadata"]["query"], t["metadata"]["threshold"]) for t in triggers] == [
        (
            "prometheus",
            f'sum({metric}{{namespace="clinic",service="preceptor-gateway"}})',
            threshold,
        )
        for metric, threshold in (("preceptor_in_flight_requests", "7"), ("preceptor_queued_requests", "2"))
    ]
    assert {t["metadata"]["serverAddress"] for t in triggers} == {"http://prometheus:9090"}
    metrics = (Path(__file__).parents[2] / "service" / "metrics.py").read_text()
    assert all(f'"{name}"' in metrics for t in triggers for name in metrics_of(t["metadata"]["query"]))


def test_a_query_that_finds_nothing_is_a_fault_that_leads_to_the_most_pods() -> None:
    spec = one(render(VALUES), "ScaledObject", "preceptor-gateway")["spec"]
    assert {trigger["metadata"]["ignoreNullValues"] for trigger in spec["triggers"]} == {"false"}
    assert {trigger["metricType"] for trigger in spec["triggers"]} == {"AverageValue"}
    assert spec["fallback"] == {"failureThreshold": 4, "replicas": 5}


@pytest.mark.parametrize("kind", ["none", "hpa"])
def test_there_is_none_unless_it_is_asked_for(kind: str) -> None:
    assert of_kind(render({"gateway": {"autoscaling": {"kind": kind}}}), "ScaledObject") == []
