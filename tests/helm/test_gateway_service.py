"""The gateway's Service leads to the gateway's pods."""

from tests.helm.chart import container_of, one, render


def test_it_selects_the_pods_and_their_port() -> None:
    manifests = render({"gateway": {"servicePort": 8080, "settings": {"port": 9000}}})
    service, deployment = (one(manifests, kind, "preceptor-gateway") for kind in ("Service", "Deployment"))
    assert service["spec"]["selector"] == deployment["spec"]["template"]["metadata"]["labels"]
    (port,) = service["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (8080, "http")
    assert container_of(deployment)["ports"] == [{"name": "http", "containerPort": 9000, "protocol": "TCP"}]
