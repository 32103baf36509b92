"""The way in by an ingress controller: nothing buffers an answer or cuts it off."""

from tests.helm.chart import of_kind, one, render

VALUES = {
    "gateway": {
        "settings": {"max_body_bytes": 8_000_000},
        "route": {
            "kind": "ingress",
            "host": "ask.ward.example",
            "className": "nginx",
            "tlsSecretName": "ward-tls",
            "timeoutSeconds": 600,
            "annotations": {"cert-manager.io/issuer": "ward"},
        },
    }
}


def test_an_answer_is_neither_buffered_nor_cut_off_nor_asked_for_twice() -> None:
    found = one(render(VALUES), "Ingress", "preceptor-gateway")["metadata"]["annotations"]
    assert found == {
        "nginx.ingress.kubernetes.io/proxy-buffering": "off",
        "nginx.ingress.kubernetes.io/proxy-request-buffering": "on",
        "nginx.ingress.kubernetes.io/proxy-read-timeout": "600",
        "nginx.ingress.kubernetes.io/proxy-send-timeout": "600",
        "nginx.ingress.kubernetes.io/proxy-body-size": "8000000",
        "nginx.ingress.kubernetes.io/proxy-next-upstream": "off",
        "cert-manager.io/issuer": "ward",
    }


def test_only_the_api_is_let_out() -> None:
    spec = one(render(VALUES), "Ingress", "preceptor-gateway")["spec"]
    assert (spec["ingressClassName"], spec["tls"]) == (
        "nginx",
        [{"hosts": ["ask.ward.example"], "secretName": "ward-tls"}],
    )
    (rule,) = spec["rules"]
    (path,) = rule["http"]["paths"]
    assert (rule["host"], path["path"], path["pathType"]) == ("ask.ward.example", "/v1/", "Prefix")
    assert path["backend"]["service"] == {"name": "preceptor-gateway", "port": {"name": "http"}}


def test_there_is_none_unless_it_is_asked_for() -> None:
    assert of_kind(render(), "Ingress") == []
