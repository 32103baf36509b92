"""What Prometheus scrapes, and under which names alerts and dashboards find it."""

from typing import Any

from tests.helm.chart import MONITORED, of_kind, one, render

VALUES: dict[str, Any] = {"monitoring": {"enabled": True, "interval": "30s", "labels": {"release": "prometheus"}}}


def test_gateways_and_engines_are_scraped_under_fixed_jobs() -> None:
    manifests = render(VALUES)
    for component in ("gateway", "engine"):
        found = one(manifests, "ServiceMonitor", f"preceptor-{component}")
        service = one(manifests, "Service", f"preceptor-{component}")
        (endpoint,) = found["spec"]["endpoints"]
        selector = found["spec"]["selector"]["matchLabels"]
        assert selector.items() <= service["metadata"]["labels"].items()
        assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
        assert (endpoint["path"], endpoint["interval"]) == ("/metrics", "30s")
        assert {"targetLabel": "job", "replacement": f"preceptor-{component}"} in endpoint["relabelings"]
        assert found["metadata"]["labels"]["release"] == "prometheus"


def test_prometheus_shows_gateways_a_key_where_they_want_one_and_engines_none() -> None:
    def credentials(values: dict[str, Any], component: str) -> Any:
        (endpoint,) = one(render(values), "ServiceMonitor", f"preceptor-{component}")["spec"]["endpoints"]
        return endpoint.get("authorization", {}).get("credentials")

    named = {"monitoring": {"enabled": True, "gatewayKey": {"secretName": "ours", "secretKey": "token"}}}
    assert credentials(VALUES, "gateway") == {"name": "preceptor-metrics-key", "key": "key"}
    assert credentials(named, "gateway") == {"name": "ours", "key": "token"}
    assert credentials(VALUES, "engine") is None
    assert credentials({**VALUES, "gateway": {"apiKeys": {"enabled": False}}}, "gateway") is None


def test_workers_without_http_are_left_out() -> None:
    (endpoint,) = one(render(VALUES), "ServiceMonitor", "preceptor-engine")["spec"]["endpoints"]
    (keep,) = [rule for rule in endpoint["relabelings"] if rule.get("action") == "keep"]
    assert keep["regex"] == "0?"
    assert keep["sourceLabels"] == ["__meta_kubernetes_pod_label_leaderworkerset_sigs_k8s_io_worker_index"]


def test_engines_of_your_own_are_yours_to_watch() -> None:
    values = {
        **MONITORED,
        "engine": {"enabled": False},
        "gateway": {"engineUrls": ["http://a"]},
        "networkPolicy": {"enabled": False},
    }
    assert [item["metadata"]["name"] for item in of_kind(render(values), "ServiceMonitor")] == ["preceptor-gateway"]


def test_nothing_is_scraped_unless_it_is_asked_for() -> None:
    assert of_kind(render(), "ServiceMonitor") == []
