"""Dashboards and rules ask only for what the running gateway and a real vLLM export."""

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from principles.retrieve import build_retriever
from service.app import create_app
from service.settings import Settings
from tests.helm.chart import MONITORED, one, render
from tests.helm.exposition import series_names
from tests.helm.promql import metrics_of
from tests.helm.test_rules import HELM, rules
from tests.helm.vllm_metrics import exported, listed
from tests.service.api.serving import served, unused_url

DASHBOARDS = sorted((HELM / "dashboards").glob("*.json"))


def panels(path: Path) -> list[dict[str, Any]]:
    found = json.loads(path.read_text(encoding="utf-8"))["panels"]
    assert isinstance(found, list)
    return found


def expressions(path: Path) -> list[str]:
    return [target["expr"] for panel in panels(path) for target in panel.get("targets", [])]


@pytest.fixture(scope="module")
def known() -> set[str]:
    """What a running gateway and vLLM export, what is recorded, and "up", which Prometheus itself makes."""
    settings = Settings(engine_url=(unused_url(),))
    with served(create_app(settings, retriever=build_retriever()), lifespan="on") as url:
        exposition = httpx.get(f"{url}/metrics").raise_for_status().text
    return series_names(exposition) | listed() | {rule["record"] for rule in rules() if "record" in rule} | {"up"}


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_query_of_a_dashboard_names_what_is_exported(path: Path, known: set[str]) -> None:
    assert expressions(path)
    unknown = {name for expression in expressions(path) for name in metrics_of(expression)} - known
    assert unknown == set()


def test_every_rule_names_what_is_exported(known: set[str]) -> None:
    unknown = {name for rule in rules() for name in metrics_of(rule["expr"])} - known
    assert unknown == set()


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_query_is_promql(path: Path, promtool: str, tmp_path: Path) -> None:
    asked = [text.replace("$__rate_interval", "5m") for text in expressions(path)]
    group = {"name": path.stem, "rules": [{"record": f"q:{n}", "expr": text} for n, text in enumerate(asked)]}
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [group]}))
    done = subprocess.run([promtool, "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_have_a_place_a_unit_and_an_explanation(path: Path) -> None:
    cells: set[tuple[int, int]] = set()
    for panel in panels(path):
        at = panel["gridPos"]
        mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & mine, panel["title"]
        cells |= mine
        if panel["type"] != "row":
            assert panel["description"].endswith("."), panel["title"]
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
            assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
    identifiers = [panel["id"] for panel in panels(path)]
    assert len(set(identifiers)) == len(identifiers)
    assert max(x for x, _ in cells) < 24


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_query_keeps_to_one_release(path: Path) -> None:
    for expression in expressions(path):
        selectors = expression.count('namespace="$namespace", service="$service"')
        assert selectors == sum(expression.count(name + "{") for name in metrics_of(expression)), expression


def test_the_config_map_holds_them_as_they_are() -> None:
    found = one(render(MONITORED), "ConfigMap", "preceptor-dashboards")
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert {name: json.loads(text) for name, text in found["data"].items()} == {
        f"preceptor-{path.name}": json.loads(path.read_text()) for path in DASHBOARDS
    }


def test_without_monitoring_there_are_none() -> None:
    assert not [item for item in render() if item["metadata"]["name"] == "preceptor-dashboards"]


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ('sum by (pod, le) (rate(a_bucket{route=~"/v1/.+"}[5m]))', {"a_bucket"}),
        ("vllm:x_total{} / on (namespace) group_left (pod) b > 14.4 * 0.005", {"vllm:x_total", "b"}),
        ("histogram_quantile(0.9, a) or absent(b) and up unless on (pod) c", {"a", "b", "up", "c"}),
    ],
)
def test_the_names_in_an_expression_are_found(expression: str, names: set[str]) -> None:
    assert metrics_of(expression) == names


@pytest.mark.engine
def test_the_list_is_what_a_live_engine_exports(engine_url: str) -> None:
    live = exported(engine_url)
    assert listed() <= live
