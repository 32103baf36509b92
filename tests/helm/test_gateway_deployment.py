"""The gateway's pods: how they start, are watched, and end."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.helm.chart import Manifest, container_of, environment, of_kind, one, pod_of, render
from tests.helm.test_chart import RELEASES


def deployment(values: Mapping[str, Any] | None = None) -> Manifest:
    return one(render(values), "Deployment", "preceptor-gateway")


@pytest.mark.parametrize(("pre_stop", "drain", "grace"), [(10, 120, 145), (5, 600, 620)])
def test_there_is_time_for_pre_stop_then_the_drain_then_closing(pre_stop: int, drain: int, grace: int) -> None:
    values = {"gateway": {"preStopSeconds": pre_stop, "settings": {"drain_s": drain}}}
    manifests = render(values)
    found = one(manifests, "Deployment", "preceptor-gateway")
    container = container_of(found)
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": pre_stop}}}
    assert environment(manifests, container)["PRECEPTOR_DRAIN_S"] == str(drain)
    assert pod_of(found)["terminationGracePeriodSeconds"] == grace
    assert grace > pre_stop + drain


def test_only_readiness_looks_at_an_engine() -> None:
    container = container_of(deployment())
    paths = {
        probe: container[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}


def test_a_pod_has_no_rights() -> None:
    pod, container = pod_of(deployment()), container_of(deployment())
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 10001)
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/tmp", "/etc/preceptor-keys"]


def test_an_update_takes_no_pod_away_before_another_is_ready() -> None:
    assert deployment()["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_a_changed_setting_or_registry_rolls_the_pods() -> None:
    changes: tuple[Mapping[str, Any], ...] = (
        {},
        {"gateway": {"settings": {"rounds": 2}}},
        {"gateway": {"registry": "x"}},
        {"engine": {"replicas": 2}},
    )
    annotations = [deployment(values)["spec"]["template"]["metadata"]["annotations"] for values in changes]
    assert len({found["checksum/config"] for found in annotations}) == len(changes)


def test_pods_spread_over_zones_and_nodes() -> None:
    found = pod_of(deployment())["topologySpreadConstraints"]
    assert [part["topologyKey"] for part in found] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    assert all(part["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == "gateway" for part in found)


def test_the_engines_key_comes_from_a_secret() -> None:
    env = container_of(deployment({"engine": {"apiKey": {"enabled": True}}}))["env"]
    assert {entry["name"]: entry["valueFrom"]["secretKeyRef"] for entry in env if "valueFrom" in entry} == {
        "PRECEPTOR_ENGINE_API_KEY": {"name": "preceptor-engine-key", "key": "key"},
    }


def test_clients_keys_are_a_file_that_follows_its_secret() -> None:
    found = deployment({"gateway": {"apiKeys": {"secretName": "ours", "secretKey": "ward.jsonl"}}})
    container = container_of(found)
    assert container["env"] == [{"name": "PRECEPTOR_KEY_FILE", "value": "/etc/preceptor-keys/ward.jsonl"}]
    (mount,) = [mount for mount in container["volumeMounts"] if mount["name"] == "keys"]
    assert mount == {"name": "keys", "mountPath": "/etc/preceptor-keys", "readOnly": True}  # no subPath
    (volume,) = [volume for volume in pod_of(found)["volumes"] if volume["name"] == "keys"]
    assert volume["secret"] == {"secretName": "ours", "defaultMode": 0o440}
    assert pod_of(found)["securityContext"]["fsGroup"] == 10001


def test_without_keys_the_gateway_is_told_that_it_is_meant() -> None:
    found = deployment({"gateway": {"apiKeys": {"enabled": False}}})
    assert container_of(found)["env"] == [{"name": "PRECEPTOR_ALLOW_WITHOUT_KEYS", "value": "true"}]
    assert [volume["name"] for volume in pod_of(found)["volumes"]] == ["tmp"]


def test_an_autoscaler_decides_the_number_of_pods_where_there_is_one() -> None:
    assert deployment()["spec"]["replicas"] == 2
    assert "replicas" not in deployment({"gateway": {"autoscaling": {"kind": "hpa"}}})["spec"]


def test_files_of_your_own_are_mounted_where_the_settings_say() -> None:
    manifests = render(RELEASES["everything set"])
    found = one(manifests, "Deployment", "preceptor-gateway")
    container, pod = container_of(found), pod_of(found)
    assert not [mount for mount in container["volumeMounts"] if "subPath" in mount]  # it would not be followed
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    env = environment(manifests, container)
    assert (env["PRECEPTOR_REGISTRY"], env["PRECEPTOR_CORPUS"]) == (
        f"{mounts['files']}/registry.toml",
        mounts["corpus"],
    )
    volumes = {volume["name"]: volume.get("configMap") for volume in pod["volumes"]}
    assert volumes["files"] == {"name": "preceptor-gateway-files"}
    assert volumes["corpus"] == {"name": "our-principles"}
    assert (pod["priorityClassName"], pod["nodeSelector"]) == ("high", {"pool": "cpu"})


def test_the_selector_is_in_the_labels_and_no_version_is() -> None:
    (found,) = of_kind(render(), "Deployment")
    selector, labels = found["spec"]["selector"]["matchLabels"], found["spec"]["template"]["metadata"]["labels"]
    assert selector == labels
    assert not any("version" in label or "chart" in label for label in selector)


def test_feedback_goes_to_the_database_of_a_secret_or_nowhere() -> None:
    manifests = render(RELEASES["feedback"])
    container = container_of(one(manifests, "Deployment", "preceptor-gateway"))
    (entry,) = [entry for entry in container["env"] if entry["name"] == "PRECEPTOR_FEEDBACK_DATABASE"]
    assert entry["valueFrom"]["secretKeyRef"] == {"name": "preceptor-feedback", "key": "url"}
    config = one(manifests, "ConfigMap", "preceptor-gateway")["data"]
    assert "PRECEPTOR_FEEDBACK_DATABASE" not in config
    assert one(render(), "ConfigMap", "preceptor-gateway")["data"]["PRECEPTOR_FEEDBACK_DATABASE"] == "off"
