"""How many gateways a node's drain may take at a time."""

from tests.helm.chart import one, render


def test_one_at_a_time_and_a_pod_that_is_ill_never_holds_a_node() -> None:
    manifests = render()
    spec = one(manifests, "PodDisruptionBudget", "preceptor-gateway")["spec"]
    assert (spec["maxUnavailable"], spec["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")
    deployment = one(manifests, "Deployment", "preceptor-gateway")
    assert spec["selector"]["matchLabels"] == deployment["spec"]["template"]["metadata"]["labels"]
