"""One engine over several nodes: a leader that serves and workers that compute."""

from typing import Any

import pytest

from tests.helm.chart import of_kind, one, render

VALUES = {"engine": {"replicas": 2, "parallel": {"tensor": 2, "data": 8, "expert": True, "nodes": 4}}}


def spec() -> dict[str, Any]:
    found = one(render(VALUES), "LeaderWorkerSet", "preceptor-engine")["spec"]
    assert isinstance(found, dict)
    return found


def container(role: str) -> dict[str, Any]:
    (found,) = spec()["leaderWorkerTemplate"][role]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def test_a_group_is_one_engine_and_starts_anew_as_one() -> None:
    assert (spec()["replicas"], spec()["leaderWorkerTemplate"]["size"]) == (2, 4)
    assert spec()["leaderWorkerTemplate"]["restartPolicy"] == "RecreateGroupOnPodRestart"
    assert spec()["rolloutStrategy"]["rollingUpdateConfiguration"] == {"maxUnavailable": 1, "maxSurge": 0}


@pytest.mark.parametrize(("role", "headless"), [("leaderTemplate", False), ("workerTemplate", True)])
def test_every_node_knows_its_place_and_its_share_of_the_gpus(role: str, headless: bool) -> None:
    words = container(role)["args"]
    assert {"--nnodes=4", "--node-rank=$(LWS_WORKER_INDEX)", "--master-addr=$(LWS_LEADER_ADDRESS)"} <= set(words)
    assert {"--tensor-parallel-size=2", "--data-parallel-size=8", "--enable-expert-parallel"} <= set(words)
    assert ("--headless" in words) is headless
    assert container(role)["resources"]["limits"]["nvidia.com/gpu"] == 4


def test_a_group_is_kept_together_and_not_spread() -> None:
    values = {"engine": {**VALUES["engine"], "exclusiveTopology": "example.org/rack"}}
    found = one(render(values), "LeaderWorkerSet", "preceptor-engine")
    assert found["metadata"]["annotations"] == {"leaderworkerset.sigs.k8s.io/exclusive-topology": "example.org/rack"}
    roles = found["spec"]["leaderWorkerTemplate"]
    assert not [
        role for role in ("leaderTemplate", "workerTemplate") if "topologySpreadConstraints" in roles[role]["spec"]
    ]


def test_only_the_leader_serves_and_is_watched() -> None:
    served = {"ports", "startupProbe", "livenessProbe", "readinessProbe"}
    assert served <= set(container("leaderTemplate"))
    assert not served & set(container("workerTemplate"))


def test_the_gateway_asks_the_leaders() -> None:
    url = one(render(VALUES), "ConfigMap", "preceptor-gateway")["data"]["PRECEPTOR_ENGINE_URL"]
    assert url.split(",")[1] == "engine-1=http://preceptor-engine-1.preceptor-engine.clinic.svc:8001"


def test_one_node_needs_none() -> None:
    assert of_kind(render(), "LeaderWorkerSet") == []
