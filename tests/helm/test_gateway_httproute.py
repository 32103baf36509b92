"""The way in by the Gateway API: only the API, with time for a long answer."""

from tests.helm.chart import of_kind, one, render

PARENT = {"name": "public", "namespace": "infra", "sectionName": "https"}
VALUES = {"gateway": {"route": {"kind": "httproute", "host": "ask.ward.example", "parentRefs": [PARENT]}}}


def test_it_leads_the_api_to_the_service_with_long_time_outs() -> None:
    manifests = render(VALUES)
    spec = one(manifests, "HTTPRoute", "preceptor-gateway")["spec"]
    (rule,) = spec["rules"]
    assert (spec["parentRefs"], spec["hostnames"]) == ([PARENT], ["ask.ward.example"])
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/v1"}}]
    assert rule["timeouts"] == {"request": "900s", "backendRequest": "900s"}
    (port,) = one(manifests, "Service", "preceptor-gateway")["spec"]["ports"]
    assert rule["backendRefs"] == [{"name": "preceptor-gateway", "port": port["port"]}]


def test_there_is_none_unless_it_is_asked_for() -> None:
    assert of_kind(render(), "HTTPRoute") == []
