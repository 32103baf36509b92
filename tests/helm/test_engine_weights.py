"""The claim for the weights: made only where none is given, and kept when the release goes."""

from typing import Any

import pytest

from tests.helm.chart import of_kind, one, pod_of, render
from tests.helm.test_chart import RELEASES


def test_it_is_large_enough_shared_and_kept() -> None:
    found = one(render(), "PersistentVolumeClaim", "preceptor-engine-weights")
    assert found["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert found["spec"] == {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "100Gi"}}}


def test_the_engines_mount_it() -> None:
    volumes = pod_of(one(render(), "StatefulSet", "preceptor-engine"))["volumes"]
    claims = [volume["persistentVolumeClaim"]["claimName"] for volume in volumes if "persistentVolumeClaim" in volume]
    assert claims == ["preceptor-engine-weights"]


@pytest.mark.parametrize(
    "values",
    [{"engine": {"weights": {"existingClaim": "mine"}}}, RELEASES["object store"], RELEASES["own engines"]],
    ids=["a claim of yours", "a store", "engines of your own"],
)
def test_none_is_made_where_none_is_needed(values: dict[str, Any]) -> None:
    assert of_kind(render(values), "PersistentVolumeClaim") == []
