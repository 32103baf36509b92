"""The Job that migrates the feedback database: when it runs, as whom, and what it leans on."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.helm.chart import Manifest, container_of, of_kind, one, pod_of, render
from tests.helm.test_chart import RELEASES

NAME = "preceptor-feedback-migration"
EGRESS = RELEASES["feedback"]["networkPolicy"]


def job(values: Mapping[str, Any] = RELEASES["feedback"]) -> Manifest:
    return one(render(values), "Job", NAME)


def feedback(**migration: Any) -> dict[str, Any]:
    given = {"secretName": "preceptor-feedback", "migration": migration}
    return {"gateway": {"feedback": given}, "networkPolicy": EGRESS}


def test_it_runs_before_new_gateways_and_goes_when_it_has_succeeded() -> None:
    assert job()["metadata"]["annotations"] == {
        "helm.sh/hook": "pre-install,pre-upgrade",
        "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded",
    }


def test_it_migrates_the_gateways_own_database_with_the_gateways_own_image() -> None:
    gateway = container_of(one(render(RELEASES["feedback"]), "Deployment", "preceptor-gateway"))
    found = container_of(job())
    assert found["args"] == ["feedback", "migrate"]
    assert found["env"] == [entry for entry in gateway["env"] if entry["name"] == "PRECEPTOR_FEEDBACK_DATABASE"]
    for key in ("image", "imagePullPolicy", "securityContext"):
        assert found[key] == gateway[key]


def test_it_leans_on_nothing_that_the_release_has_yet_to_make() -> None:
    pod = pod_of(job())
    assert "serviceAccountName" not in pod
    assert pod["automountServiceAccountToken"] is False
    assert "envFrom" not in container_of(job())
    assert pod["volumes"] == [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}]


def test_it_runs_as_the_gateway_does() -> None:
    gateway = pod_of(one(render(RELEASES["feedback"]), "Deployment", "preceptor-gateway"))
    assert pod_of(job())["securityContext"] == gateway["securityContext"]


def test_its_attempts_and_its_time_are_bounded() -> None:
    spec = job(feedback(deadlineSeconds=60, resources={"limits": {"memory": "2Gi"}}))["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (3, 60)
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    (container,) = spec["template"]["spec"]["containers"]
    assert container["resources"]["limits"] == {"memory": "2Gi"}


def test_no_service_and_no_policy_takes_it_for_a_gateway() -> None:
    labels = job()["spec"]["template"]["metadata"]["labels"]
    selector = one(render(), "Service", "preceptor-gateway")["spec"]["selector"]
    assert not selector.items() <= labels.items()


@pytest.mark.parametrize("values", [{}, feedback(enabled=False)], ids=["no feedback", "migrated by hand"])
def test_there_is_none_where_it_is_not_wanted(values: Mapping[str, Any]) -> None:
    assert of_kind(render(values), "Job") == []
