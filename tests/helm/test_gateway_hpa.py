"""Scaling by custom metrics: requests in flight and queued, never the CPU."""

import pytest

from tests.helm.chart import of_kind, one, render

VALUES = {"gateway": {"autoscaling": {"kind": "hpa", "minReplicas": 3, "inFlightPerPod": 100, "queuedPerPod": 4}}}


def test_it_scales_by_what_waits_and_what_is_at_work() -> None:
    spec = one(render(VALUES), "HorizontalPodAutoscaler", "preceptor-gateway")["spec"]
    assert [(m["type"], m["pods"]["metric"]["name"], m["pods"]["target"]["averageValue"]) for m in spec["metrics"]] == [
        ("Pods", "preceptor_in_flight_requests", "100"),
        ("Pods", "preceptor_queued_requests", "4"),
    ]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 8)
    assert spec["scaleTargetRef"]["name"] == "preceptor-gateway"


def test_unless_told_otherwise_it_grows_before_the_slots_are_full() -> None:
    values = {"engine": {"replicas": 4}, "gateway": {"autoscaling": {"kind": "hpa", "maxReplicas": 4}}}
    spec = one(render(values), "HorizontalPodAutoscaler", "preceptor-gateway")["spec"]
    assert [m["pods"]["target"]["averageValue"] for m in spec["metrics"]] == ["36", "8"]


def test_it_grows_at_once_and_shrinks_one_by_one() -> None:
    behaviour = one(render(VALUES), "HorizontalPodAutoscaler", "preceptor-gateway")["spec"]["behavior"]
    assert behaviour["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert behaviour["scaleDown"]["stabilizationWindowSeconds"] == 300
    assert behaviour["scaleDown"]["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 120}]


@pytest.mark.parametrize("kind", ["none", "keda"])
def test_there_is_none_unless_it_is_asked_for(kind: str) -> None:
    values = {"gateway": {"autoscaling": {"kind": kind, "prometheusUrl": "http://p"}}}
    assert of_kind(render(values), "HorizontalPodAutoscaler") == []
