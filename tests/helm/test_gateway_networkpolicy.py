"""Whom a gateway may reach, and who may reach it."""

from typing import Any

import pytest
from helm_python import HelmError

from tests.helm.chart import of_kind, one, render
from tests.helm.test_chart import RELEASES

WARD = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ward"}}}
PROMETHEUS = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}


def policy(values: dict[str, Any] | None = None) -> dict[str, Any]:
    spec = one(render(values), "NetworkPolicy", "preceptor-gateway")["spec"]
    assert isinstance(spec, dict)
    return spec


def test_a_gateway_reaches_engines_and_dns_and_nothing_else() -> None:
    spec = policy()
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    dns, engines = spec["egress"]
    assert [port["port"] for port in dns["ports"]] == [53, 53]
    assert dns["to"][0]["podSelector"] == {"matchLabels": {"k8s-app": "kube-dns"}}
    (to,) = engines["to"]
    assert to == {"podSelector": {"matchLabels": one(render(), "Service", "preceptor-engine")["spec"]["selector"]}}
    assert engines["ports"] == [{"port": 8001, "protocol": "TCP"}]


def test_it_selects_the_gateways_pods() -> None:
    labels = one(render(), "Deployment", "preceptor-gateway")["spec"]["template"]["metadata"]["labels"]
    assert policy()["podSelector"]["matchLabels"] == labels


def test_anybody_may_ask_on_its_port_unless_clients_are_named() -> None:
    assert policy()["ingress"] == [{"ports": [{"port": "http", "protocol": "TCP"}]}]
    (rule,) = policy({"networkPolicy": {"clients": [WARD], "prometheus": [PROMETHEUS]}})["ingress"]
    assert rule["from"] == [WARD, PROMETHEUS]
    assert "from" not in policy({"networkPolicy": {"prometheus": [PROMETHEUS]}})["ingress"][0]


def test_engines_of_your_own_are_reached_by_your_rule_alone() -> None:
    rule = {"to": [{"ipBlock": {"cidr": "10.1.2.3/32"}}], "ports": [{"port": 8001, "protocol": "TCP"}]}
    values = {
        "engine": {"enabled": False},
        "gateway": {"engineUrls": ["http://10.1.2.3:8001"]},
        "networkPolicy": {"engineEgress": [rule]},
    }
    dns, engines = policy(values)["egress"]
    assert dns["ports"][0]["port"] == 53
    assert engines == rule


def test_the_collector_is_reached_only_by_what_is_traced() -> None:
    rules = {"networkPolicy": RELEASES["traced"]["networkPolicy"]}
    assert policy(rules)["egress"] == policy()["egress"]
    assert policy({**rules, "engine": RELEASES["traced"]["engine"]})["egress"] == policy()["egress"]
    traced = policy(dict(RELEASES["traced"]))["egress"]
    assert traced == [*policy()["egress"], *rules["networkPolicy"]["collectorEgress"]]


def test_the_feedback_database_is_reached_by_your_rule_and_has_to_have_one() -> None:
    rule = {"to": [{"ipBlock": {"cidr": "10.0.0.9/32"}}], "ports": [{"port": 5432, "protocol": "TCP"}]}
    feedback = {"gateway": {"feedback": {"secretName": "preceptor-feedback"}}}
    assert policy({**feedback, "networkPolicy": {"feedbackEgress": [rule]}})["egress"][2:] == [rule]
    with pytest.raises(HelmError, match="feedbackEgress"):
        policy(feedback)


def test_there_is_none_where_it_is_not_wanted() -> None:
    assert of_kind(render({"networkPolicy": {"enabled": False}}), "NetworkPolicy") == []
