"""What holds for the chart as a whole: every object is valid, every value is described, every template is tested."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from tests.helm.chart import HELM, MONITORED, Manifest, notes, render
from tests.helm.settings_schema import settings_schema

KUBERNETES = ("1.30", "1.37")
# Their definitions come from others; what the chart makes of them is asserted in the test of each.
CUSTOM = {
    "ServiceMonitor": "monitoring.coreos.com/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
    "ScaledObject": "keda.sh/v1alpha1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
    "LeaderWorkerSet": "leaderworkerset.x-k8s.io/v1",
}
STORE = {
    "kind": "objectStore",
    "uri": "s3://models/qwen",
    "endpoint": "http://store:9000",
    "credentialsSecret": "store",
}
RELEASES: Mapping[str, Mapping[str, Any]] = {
    "as it comes": {},
    "monitored": MONITORED,
    "hpa": {"gateway": {"autoscaling": {"kind": "hpa"}}},
    "keda": {"gateway": {"autoscaling": {"kind": "keda", "prometheusUrl": "http://prometheus:9090"}}},
    "ingress": {"gateway": {"route": {"kind": "ingress", "className": "nginx", "tlsSecretName": "tls"}}},
    "httproute": {"gateway": {"route": {"kind": "httproute", "parentRefs": [{"name": "public"}]}}},
    "own engines": {
        "engine": {"enabled": False},
        "gateway": {"engineUrls": ["http://a:8001", "b=http://b:8001"]},
        "networkPolicy": {"engineEgress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
    },
    "traced": {
        "gateway": {"settings": {"otlp_endpoint": "http://collector.watch.svc:4318", "trace_ratio": 0.1}},
        "engine": {"otlpTracesEndpoint": "http://collector.watch.svc:4317"},
        "networkPolicy": {
            "collectorEgress": [
                {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "watch"}}}]}
            ]
        },
    },
    "several nodes": {"engine": {"parallel": {"data": 16, "expert": True, "nodes": 2}}},
    "object store": {"engine": {"weights": STORE, "apiKey": {"enabled": True}}},
    "feedback": {
        "gateway": {"feedback": {"secretName": "preceptor-feedback"}},
        "networkPolicy": {"feedbackEgress": [{"to": [{"ipBlock": {"cidr": "10.0.0.9/32"}}]}]},
    },
    "everything set": {
        "imagePullSecrets": [{"name": "pull"}],
        "gateway": {
            "registry": '[default]\nprompts = "full"\n',
            "corpusConfigMap": "our-principles",
            "extraEnv": [{"name": "OTEL_SDK_DISABLED", "value": "true"}],
            "podAnnotations": {"team": "ward"},
            "priorityClassName": "high",
            "nodeSelector": {"pool": "cpu"},
            "tolerations": [{"operator": "Exists"}],
        },
        "engine": {"priorityClassName": "high", "podAnnotations": {"team": "ward"}, "extraArgs": ["--seed=1"]},
    },
}


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("values", RELEASES.values(), ids=RELEASES.keys())
def test_kubernetes_takes_every_object(values: Mapping[str, Any], version: str) -> None:
    for manifest in render(values):
        if manifest["kind"] in CUSTOM:
            assert manifest["apiVersion"] == CUSTOM[manifest["kind"]]
            for pod in templates_in(manifest):
                kubernetes_validate.validate({"apiVersion": "v1", "kind": "Pod", **pod}, version, strict=True)
        else:
            kubernetes_validate.validate(manifest, version, strict=True)


def templates_in(manifest: Manifest) -> Iterator[Manifest]:
    workers = manifest["spec"].get("leaderWorkerTemplate", {})
    yield from (workers[name] for name in ("leaderTemplate", "workerTemplate") if name in workers)


@pytest.mark.parametrize("values", RELEASES.values(), ids=RELEASES.keys())
def test_no_two_objects_have_one_name_and_all_are_labelled(values: Mapping[str, Any]) -> None:
    manifests = render(values)
    names = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests]
    assert len(set(names)) == len(names)
    for manifest in manifests:
        labels = manifest["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == "preceptor"
        component = labels["app.kubernetes.io/component"]
        assert component in ("gateway", "engine", "rules", "dashboards", "feedback-migration")


@pytest.mark.parametrize(
    ("release", "prefix"),
    [
        ("preceptor", "preceptor"),
        ("ward-preceptor", "ward-preceptor"),
        ("ward", "ward-preceptor"),
        ("w" * 53, "w" * 40),
    ],
)
def test_names_carry_the_release_and_fit(release: str, prefix: str) -> None:
    names = {manifest["metadata"]["name"] for manifest in render(MONITORED, name=release)}
    assert all(name.startswith(prefix) and len(name) <= 63 for name in names)


@pytest.mark.parametrize("version", KUBERNETES)
def test_helm_finds_nothing_to_say(version: str) -> None:
    report = helm_python.lint(HELM, strict=True, kube_version=f"v{version}.0")
    found = [message for message in report["messages"] if "icon is recommended" not in message["error"]]
    assert (found, report["errors"]) == ([], [])


def test_the_chart_has_the_packages_version() -> None:
    project = tomllib.loads((HELM.parent / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((HELM / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (project, project)


def test_every_template_has_a_test_file_of_its_own() -> None:
    templates = {path.stem.replace("-", "_") for path in (HELM / "templates").glob("*.yaml")}
    tests = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    assert templates - tests == set()


def test_values_are_few_and_every_one_is_described() -> None:
    assert len((HELM / "values.yaml").read_text().splitlines()) < 250
    values, schema = yaml.safe_load((HELM / "values.yaml").read_text()), schema_of_values()
    assert undescribed(values, schema, "") == []


def undescribed(values: Any, schema: Any, path: str) -> list[str]:
    """Keys of closed objects that are in one of both but not in the other; settings may be left out."""
    if not isinstance(values, dict) or "properties" not in schema:
        return []
    described = set(schema["properties"]) - {"global"}
    differing = set(values) - described if path.endswith("/settings") else set(values) ^ described
    below = [undescribed(values[key], schema["properties"][key], f"{path}/{key}") for key in set(values) & described]
    return [f"{path}/{key}" for key in differing] + [key for keys in below for key in keys]


def schema_of_values() -> dict[str, Any]:
    found = json.loads((HELM / "values.schema.json").read_text())
    assert isinstance(found, dict)
    return found


def test_the_schema_is_closed_throughout() -> None:
    assert list(open_objects(schema_of_values(), "")) == []


def open_objects(schema: Any, path: str) -> Iterator[str]:
    """Objects of named keys that take others as well; those in lists are Kubernetes' own."""
    if not isinstance(schema, dict):
        return
    named = schema.get("type") == "object" and "properties" in schema and "items" not in path
    if named and schema.get("additionalProperties") is not False:
        yield path
    for key, value in schema.items():
        if key not in ("if", "then", "allOf"):
            yield from open_objects(value, f"{path}/{key}")


def test_the_settings_in_the_schema_are_the_gateways() -> None:
    found = schema_of_values()["properties"]["gateway"]["properties"]["settings"]
    assert found == settings_schema(), "python -m tests.helm.settings_schema"


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"replicas": 3}, "replicas"),
        ({"gateway": {"settings": {"no_such_setting": 1}}}, "no_such_setting"),
        ({"gateway": {"settings": {"engine_url": "http://a"}}}, "engine_url"),
        ({"gateway": {"settings": {"rounds": 9}}}, "rounds"),
        ({"gateway": {"image": {"tag": "latest"}}}, "tag"),
        ({"gateway": {"autoscaling": {"kind": "keda"}}}, "prometheusUrl"),
        ({"gateway": {"route": {"kind": "httproute"}}}, "parentRefs"),
        ({"engine": {"enabled": False}}, "engineUrls"),
        ({"engine": {"weights": {"kind": "objectStore"}}}, "uri"),
        ({"engine": {"extraArgs": ["--trust-remote-code"]}}, "extraArgs"),
        ({"engine": {"weights": {"path": "/models/x"}}}, "path"),
    ],
)
def test_a_value_that_cannot_work_is_refused_by_name(values: Mapping[str, Any], complaint: str) -> None:
    with pytest.raises(helm_python.HelmError, match=complaint):
        render(values)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (
            {"engine": {"enabled": False}, "gateway": {"engineUrls": ["http://a"]}},
            "networkPolicy.engineEgress must say where",
        ),
        ({"engine": {"parallel": {"data": 3, "nodes": 2}}}, "= 3 GPUs cannot be shared by 2 nodes"),
    ],
)
def test_values_that_contradict_each_other_are_refused(values: Mapping[str, Any], complaint: str) -> None:
    with pytest.raises(helm_python.HelmError, match=re.escape(complaint)):
        render(values)


def test_no_image_floats_and_no_secret_is_made() -> None:
    manifests = [manifest for values in RELEASES.values() for manifest in render(values)]
    text = yaml.safe_dump(manifests)
    images = set(re.findall(r"image: (\S+)", text))
    assert images == {"preceptor:0.1.0", "vllm/vllm-openai:v0.32.0"}
    assert not [manifest for manifest in manifests if manifest["kind"] == "Secret"]


def test_the_values_in_the_readme_work() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (HELM / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    first = yaml.safe_load(blocks[0])
    claims = [item for item in render(first) if item["kind"] == "PersistentVolumeClaim"]
    assert (first["engine"]["weights"]["existingClaim"], claims) == ("checkpoints", [])
    assert set(yaml.safe_load(blocks[1])) == {"rules"}


def test_the_notes_say_what_is_still_to_do() -> None:
    assert 'API keys come from key "keys.jsonl" of Secret "preceptor-api-keys"' in notes()
    assert "anyone who reaches the gateway may ask" in notes({"gateway": {"apiKeys": {"enabled": False}}})
    assert "Prometheus cannot read the engines" in notes(MONITORED)
    assert "no span reaches the collector" in notes({"engine": {"otlpTracesEndpoint": "http://collector:4317"}})
    assert "no span reaches the collector" not in notes(RELEASES["traced"])
    assert 'Prometheus asks with key "key" of Secret "preceptor-metrics-key"' in notes(MONITORED)
