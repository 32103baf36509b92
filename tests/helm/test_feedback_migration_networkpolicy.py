"""What the migration's Job may reach, from before it starts."""

from typing import Any

from tests.helm.chart import Manifest, of_kind, one, render
from tests.helm.test_chart import RELEASES

NAME = "preceptor-feedback-migration"


def test_it_reaches_the_database_and_dns_and_nobody_reaches_it() -> None:
    spec = one(render(RELEASES["feedback"]), "NetworkPolicy", NAME)["spec"]
    assert (spec["policyTypes"], spec["ingress"]) == (["Ingress", "Egress"], [])
    dns, database = spec["egress"]
    assert [port["port"] for port in dns["ports"]] == [53, 53]
    assert [database] == RELEASES["feedback"]["networkPolicy"]["feedbackEgress"]


def test_it_selects_the_jobs_pods_and_is_there_before_them() -> None:
    manifests = render(RELEASES["feedback"])
    policy, job = one(manifests, "NetworkPolicy", NAME), one(manifests, "Job", NAME)
    assert policy["spec"]["podSelector"]["matchLabels"] == job["spec"]["template"]["metadata"]["labels"]
    hooks = policy["metadata"]["annotations"]
    assert hooks["helm.sh/hook"] == job["metadata"]["annotations"]["helm.sh/hook"]
    assert weight(policy) < weight(job)


def weight(manifest: Manifest) -> int:
    return int(manifest["metadata"]["annotations"].get("helm.sh/hook-weight", "0"))


def test_there_is_none_where_it_is_not_wanted() -> None:
    feedback: dict[str, Any] = {"secretName": "preceptor-feedback", "migration": {"enabled": False}}
    for values in ({}, {**RELEASES["feedback"], "networkPolicy": {"enabled": False}}):
        assert NAME not in names(values)
    assert NAME not in names({**RELEASES["feedback"], "gateway": {"feedback": feedback}})


def names(values: dict[str, Any]) -> set[str]:
    return {policy["metadata"]["name"] for policy in of_kind(render(values), "NetworkPolicy")}
