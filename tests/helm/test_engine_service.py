"""The engines' Service: names, no balancing."""

from tests.helm.chart import of_kind, one, render
from tests.helm.test_chart import RELEASES


def test_it_gives_names_also_to_engines_that_still_load() -> None:
    manifests = render({"engine": {"port": 9001}})
    spec = one(manifests, "Service", "preceptor-engine")["spec"]
    assert (spec["clusterIP"], spec["publishNotReadyAddresses"]) == ("None", True)
    assert [port["port"] for port in spec["ports"]] == [9001]
    labels = one(manifests, "StatefulSet", "preceptor-engine")["spec"]["template"]["metadata"]["labels"]
    assert spec["selector"] == labels


def test_engines_of_your_own_need_none() -> None:
    assert [item["metadata"]["name"] for item in of_kind(render(RELEASES["own engines"]), "Service")] == [
        "preceptor-gateway"
    ]
