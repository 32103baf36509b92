"""The gateway's identity in the cluster: one of its own, without a token."""

from tests.helm.chart import one, pod_of, render


def test_it_has_no_token() -> None:
    manifests = render()
    assert one(manifests, "ServiceAccount", "preceptor-gateway")["automountServiceAccountToken"] is False
    assert pod_of(one(manifests, "Deployment", "preceptor-gateway"))["serviceAccountName"] == "preceptor-gateway"
