"""The gateway's settings as the cluster gives them to it, read by the gateway's own code."""

import tomllib
from collections.abc import Mapping
from typing import Any

import pytest

from service.settings import PLACES_PER_ENGINE, SLOTS_PER_ENGINE, Settings, load_settings
from tests.helm.chart import container_of, environment, one, render
from tests.helm.test_chart import RELEASES


def variables(values: Mapping[str, Any] | None = None) -> dict[str, str | None]:
    manifests = render(values)
    return environment(manifests, container_of(one(manifests, "Deployment", "preceptor-gateway")))


def settings(values: Mapping[str, Any] | None = None) -> Settings:
    """What the gateway makes of its environment; Secrets and mounted files are not there to be read."""
    return load_settings(
        environ={name: value for name, value in variables(values).items() if value and value[0] != "/"}
    )


@pytest.mark.parametrize("values", RELEASES.values(), ids=RELEASES.keys())
def test_every_variable_of_ours_is_a_setting(values: Mapping[str, Any]) -> None:
    ours = {name.removeprefix("PRECEPTOR_").lower() for name in variables(values) if name.startswith("PRECEPTOR_")}
    assert ours <= set(Settings.model_fields)
    settings(values)


def test_as_it_comes_the_gateway_has_its_own_defaults_but_listens_to_all() -> None:
    changed = {
        "host": "0.0.0.0",
        "feedback_database": "off",
        "engine_url": ("engine-0=http://preceptor-engine-0.preceptor-engine.clinic.svc:8001",),
        "max_in_flight": SLOTS_PER_ENGINE // 2,
        "max_queued": PLACES_PER_ENGINE // 2,
    }
    assert settings() == Settings().model_copy(update=changed)


def test_without_keys_it_may_listen_to_all_because_the_chart_says_so() -> None:
    assert not settings().allow_without_keys
    assert settings({"gateway": {"apiKeys": {"enabled": False}}}).allow_without_keys


def test_every_engine_has_a_name_and_an_address_of_its_own() -> None:
    found = settings({"engine": {"replicas": 2, "port": 9001}})
    assert found.engine_url == (
        "engine-0=http://preceptor-engine-0.preceptor-engine.clinic.svc:9001",
        "engine-1=http://preceptor-engine-1.preceptor-engine.clinic.svc:9001",
    )


def test_engines_of_your_own_take_their_place() -> None:
    assert settings(RELEASES["own engines"]).engine_url == ("http://a:8001", "b=http://b:8001")


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"max_body_bytes": 123456789}, 123456789),
        ({"deadline_s": 0.5}, 0.5),
        ({"bypass_talk": False}, False),
        ({"drain_s": 0}, 0),
        ({"slug": "ward"}, "ward"),
        ({"max_head_bytes": 65536}, 65536),
        ({"cors_origins": ["https://a.example", "https://b.example"]}, ("https://a.example", "https://b.example")),
    ],
)
def test_a_setting_arrives_as_it_was_given(given: dict[str, Any], value: object) -> None:
    (name,) = given
    assert getattr(settings({"gateway": {"settings": given}}), name) == value


def test_tracing_arrives() -> None:
    found = settings(RELEASES["traced"])
    assert (found.otlp_endpoint, found.trace_ratio) == ("http://collector.watch.svc:4318", 0.1)
    assert settings().otlp_endpoint is None


def scaled(kind: str, least: int, most: int) -> dict[str, Any]:
    autoscaling = {"kind": kind, "minReplicas": least, "maxReplicas": most, "prometheusUrl": "http://p"}
    return {"engine": {"replicas": 4}, "gateway": {"autoscaling": autoscaling}}


@pytest.mark.parametrize(
    ("values", "gateways", "engines"),
    [
        ({}, 2, 1),
        ({"engine": {"replicas": 4}}, 2, 4),
        ({"engine": {"replicas": 4}, "gateway": {"replicas": 3}}, 3, 4),
        (scaled("hpa", 2, 8), 8, 4),
        (scaled("keda", 2, 8), 8, 4),
        (RELEASES["own engines"], 2, 2),
    ],
)
def test_all_gateways_together_take_in_what_all_engines_can_serve(
    values: Mapping[str, Any], gateways: int, engines: int
) -> None:
    found = settings(values)
    for each, per_engine in ((found.slots, SLOTS_PER_ENGINE), (found.places, PLACES_PER_ENGINE)):
        assert per_engine * engines <= each * gateways < per_engine * engines + gateways


@pytest.mark.parametrize(("given", "slots", "places"), [({"max_in_flight": 5}, 5, 8), ({"max_queued": 0}, 24, 0)])
def test_slots_and_places_of_your_own_stand(given: dict[str, Any], slots: int, places: int) -> None:
    found = settings({"gateway": {"settings": given}})
    assert (found.slots, found.places) == (slots, places)


def test_a_table_arrives_too() -> None:
    found = settings({"gateway": {"settings": {"embedder": {"kind": "bundled"}}}})
    assert found.embedder is not None
    assert found.embedder.kind == "bundled"


def test_a_registry_is_a_file() -> None:
    files = one(render(RELEASES["everything set"]), "ConfigMap", "preceptor-gateway-files")
    assert tomllib.loads(files["data"]["registry.toml"]) == {"default": {"prompts": "full"}}
