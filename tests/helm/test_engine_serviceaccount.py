"""The engines' identity: no token of the API server, but annotations for a store's workload identity."""

from tests.helm.chart import one, pod_of, render


def test_it_has_no_token_and_carries_your_annotations() -> None:
    manifests = render({"engine": {"serviceAccountAnnotations": {"iam.example/role": "weights"}}})
    found = one(manifests, "ServiceAccount", "preceptor-engine")
    assert (found["automountServiceAccountToken"], found["metadata"]["annotations"]) == (
        False,
        {"iam.example/role": "weights"},
    )
    assert pod_of(one(manifests, "StatefulSet", "preceptor-engine"))["serviceAccountName"] == "preceptor-engine"
