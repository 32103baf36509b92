import socket
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from models import process
from models.registry import REPOSITORY
from training.export import gateway_process
from training.export.gateway_process import ServingError, gateway_command, running_gateway
from training.export.ports import HOST, reserved_port
from training.export.serving import launch_spec, serve_checkpoint

BUNDLED = REPOSITORY / "models" / "bundled"


def test_a_reserved_port_is_given_to_nobody_else_but_can_be_listened_at() -> None:
    with reserved_port() as port:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind((HOST, port))
        with HTTPServer((HOST, port), BaseHTTPRequestHandler) as server:
            assert server.server_port == port
            with socket.create_connection((HOST, port), timeout=5):
                pass


def test_the_gateway_has_no_settings_but_those_of_its_command(tmp_path: Path) -> None:
    command = gateway_command("http://127.0.0.1:9", 8, tmp_path / "registry.toml", {"PRECEPTOR_SLUG": "mine"})
    assert command[:7] == ("env", "-i", "PRECEPTOR_SLUG=mine", sys.executable, "-m", "service", "serve")
    assert command[-2:] == ("--registry", str(tmp_path / "registry.toml"))
    assert "--registry" not in gateway_command("http://127.0.0.1:9", 8, None, {})


def test_a_gateway_that_does_not_come_up_shows_the_end_of_its_log(tmp_path: Path) -> None:
    log, missing = tmp_path / "gateway.log", tmp_path / "none.toml"
    with (
        reserved_port() as port,
        pytest.raises(ServingError) as failure,
        running_gateway("http://127.0.0.1:9", port, log, missing),
    ):
        pass
    assert f"the gateway ended with status 2; the end of {log}" in str(failure.value)
    assert "registry: Path does not point to a file" in str(failure.value)


def test_a_gateway_without_an_engine_is_not_ready_and_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_process, "READY_SECONDS", 1.0)
    monkeypatch.setattr(process, "STOP_SECONDS", 0.5)
    with (
        reserved_port() as port,
        pytest.raises(ServingError, match="is not ready after 1 s"),
        running_gateway("http://127.0.0.1:9", port, tmp_path / "gateway.log"),
    ):
        pass
    with socket.socket() as probe:
        probe.bind((HOST, port))


def test_how_the_engine_is_started_comes_from_the_registry(tmp_path: Path) -> None:
    spec = launch_spec(BUNDLED, "preceptor-miniclinic", 9, None)
    assert (spec.max_model_len, spec.threads, spec.served_model_name) == (2048, 1, "preceptor-miniclinic")
    registry = tmp_path / "registry.toml"
    registry.write_text("[models.m]\nmax_model_len = 512\n", encoding="utf-8")
    assert launch_spec(BUNDLED, "m", 9, registry).max_model_len == 512


def test_what_is_no_checkpoint_is_not_started(tmp_path: Path) -> None:
    with (
        pytest.raises(ServingError, match="no checkpoint"),
        serve_checkpoint(tmp_path, "m", logs=tmp_path / "logs"),
    ):
        pass
    assert not (tmp_path / "logs").exists()


@pytest.mark.engine
def test_an_engine_that_ends_shows_the_end_of_its_log(tmp_path: Path) -> None:
    checkpoint = tmp_path / "broken"
    checkpoint.mkdir()
    (checkpoint / "config.json").write_text('{"model_type": "none"}', encoding="utf-8")
    with (
        pytest.raises(ServingError, match=r"engine ended with status 1\n(.|\n)*the whole log: .*engine\.log"),
        serve_checkpoint(checkpoint, "m", logs=tmp_path / "logs"),
    ):
        pass
    assert (tmp_path / "logs" / "engine.log").stat().st_size > 0
