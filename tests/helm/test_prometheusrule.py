"""The rules reach the cluster as they stand in their files, which test_rules.py tries out."""

import pytest
import yaml

from tests.helm.chart import HELM, MONITORED, of_kind, one, render


@pytest.mark.parametrize("name", ["recording", "alerts"])
def test_rules_are_rendered_as_they_are(name: str) -> None:
    found = one(render(MONITORED), "PrometheusRule", f"preceptor-{name}")
    assert found["spec"] == yaml.safe_load((HELM / "rules" / f"{name}.yaml").read_text())


def test_they_carry_the_labels_that_prometheus_selects_by() -> None:
    values = {"monitoring": {"enabled": True, "labels": {"release": "prometheus"}}}
    assert {item["metadata"]["labels"]["release"] for item in of_kind(render(values), "PrometheusRule")} == {
        "prometheus"
    }


def test_there_are_none_unless_they_are_asked_for() -> None:
    assert of_kind(render(), "PrometheusRule") == []
