"""Renders the chart and finds objects in what comes out. Invariant: what renders is Helm itself, no imitation."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import helm_python
import yaml

HELM = Path(__file__).parents[2] / "helm"
NAMESPACE = "clinic"
MONITORED: Mapping[str, Any] = {"monitoring": {"enabled": True}}

Manifest = dict[str, Any]


def render(values: Mapping[str, Any] | None = None, *, name: str = "preceptor") -> list[Manifest]:
    """Every object of a release in namespace `clinic`. Raises `HelmError` for values that are refused."""
    given = dict(values or {})
    with helm_python.Chart.load(HELM) as chart:
        chart.validate_schema(given)
        files = chart.render(given, name=name, namespace=NAMESPACE)
    texts = [text for path, text in files.items() if not path.endswith("NOTES.txt")]
    return [manifest for text in texts for manifest in yaml.safe_load_all(text) if manifest]


def notes(values: Mapping[str, Any] | None = None) -> str:
    """What Helm prints after an installation."""
    with helm_python.Chart.load(HELM) as chart:
        files = chart.render(dict(values or {}), name="preceptor", namespace=NAMESPACE)
    return next(text for path, text in files.items() if path.endswith("NOTES.txt"))


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    """All objects of one kind."""
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def one(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """The one object of this kind and name."""
    (found,) = [item for item in of_kind(manifests, kind) if item["metadata"]["name"] == name]
    return found


def pod_of(manifest: Manifest) -> Manifest:
    """The pod specification of a Deployment or a StatefulSet."""
    spec = manifest["spec"]["template"]["spec"]
    assert isinstance(spec, dict)
    return spec


def container_of(manifest: Manifest) -> Manifest:
    """The only container of a Deployment or a StatefulSet."""
    (container,) = pod_of(manifest)["containers"]
    assert isinstance(container, dict)
    return container


def environment(manifests: list[Manifest], container: Manifest) -> dict[str, str | None]:
    """The variables that a container starts with; None where the value lies in a Secret."""
    found: dict[str, str | None] = {}
    for source in container.get("envFrom", []):
        if "configMapRef" in source:
            found |= one(manifests, "ConfigMap", source["configMapRef"]["name"])["data"]
    return found | {entry["name"]: entry.get("value") for entry in container.get("env", [])}
