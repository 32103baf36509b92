"""How many engines a node's drain may take at a time."""

from tests.helm.chart import one, render


def test_one_at_a_time() -> None:
    manifests = render()
    spec = one(manifests, "PodDisruptionBudget", "preceptor-engine")["spec"]
    assert (spec["maxUnavailable"], spec["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")
    labels = one(manifests, "StatefulSet", "preceptor-engine")["spec"]["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"] == labels
