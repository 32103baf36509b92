"""Who may reach an engine, and what an engine may reach."""

from collections.abc import Mapping
from typing import Any

from tests.helm.chart import one, render
from tests.helm.test_chart import RELEASES, STORE

PROMETHEUS = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}


def policy(values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    spec = one(render(values), "NetworkPolicy", "preceptor-engine")["spec"]
    assert isinstance(spec, dict)
    return spec


def gateways() -> dict[str, Any]:
    labels = one(render(), "Deployment", "preceptor-gateway")["spec"]["template"]["metadata"]["labels"]
    return {"podSelector": {"matchLabels": labels}}


def engines() -> dict[str, Any]:
    labels = one(render(), "Service", "preceptor-engine")["spec"]["selector"]
    return {"podSelector": {"matchLabels": labels}}


def test_only_gateways_reach_an_engine_and_it_reaches_nothing() -> None:
    spec = policy()
    assert spec["podSelector"] == engines()["podSelector"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["ingress"] == [{"from": [gateways()], "ports": [{"port": 8001, "protocol": "TCP"}]}]
    assert spec["egress"] == []


def test_prometheus_reads_metrics_where_there_is_monitoring() -> None:
    peers = {"prometheus": [PROMETHEUS]}
    assert policy({"networkPolicy": peers})["ingress"][0]["from"] == [gateways()]
    watched = policy({"networkPolicy": peers, "monitoring": {"enabled": True}})
    assert watched["ingress"][0]["from"] == [gateways(), PROMETHEUS]


def test_the_store_is_reached_by_your_rule_and_dns() -> None:
    rule = {"to": [{"ipBlock": {"cidr": "10.9.0.0/16"}}], "ports": [{"port": 9000, "protocol": "TCP"}]}
    dns, store = policy({"engine": {"weights": {**STORE, "egress": [rule]}}})["egress"]
    assert [port["port"] for port in dns["ports"]] == [53, 53]
    assert store == rule


def test_the_collector_is_reached_with_dns_where_the_engine_is_traced() -> None:
    rules = RELEASES["traced"]["networkPolicy"]
    assert policy({"networkPolicy": rules, "gateway": RELEASES["traced"]["gateway"]})["egress"] == []
    dns, *collector = policy(RELEASES["traced"])["egress"]
    assert [port["port"] for port in dns["ports"]] == [53, 53]
    assert collector == rules["collectorEgress"]


def test_nodes_of_one_engine_speak_with_each_other() -> None:
    spec = policy(RELEASES["several nodes"])
    assert spec["ingress"][1] == {"from": [engines()]}
    assert spec["egress"][1] == {"to": [engines()]}
