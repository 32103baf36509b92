"""Fixtures that several packages' tests share.

Invariant: one real engine for the whole run, started when it is first asked for.
"""

import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from models.launcher import bundled_spec, choose_command
from models.process import LaunchFailure, launch
from models.random_weights import write_checkpoint
from models.registry import load_registry

ENGINE_SECONDS = 900

# How long an example takes is the machine's affair, and no test's.
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("ours")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine-url", help="a running engine with the bundled model, instead of starting one")
    parser.addoption("--screenshots", help="where the playground's tests put their pictures; nowhere lasting if unset")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of an engine run in one process, so that one engine serves them; the first waits for its start.

    So do load tests that start several servers each: two of them side by side would measure each other.
    """
    for item in items:
        if item.nodeid.startswith("tests/loadtest/") and item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.xdist_group("servers"))
        if item.get_closest_marker("engine"):
            item.add_marker(pytest.mark.xdist_group("engine"))
            if not item.get_closest_marker("timeout"):
                item.add_marker(pytest.mark.timeout(ENGINE_SECONDS))


@pytest.fixture(scope="session")
def engine_model() -> str:
    """The served name of the engine's model."""
    name, _ = load_registry().bundled()
    return name


@pytest.fixture(scope="session")
def engine_url(
    request: pytest.FixtureRequest, engine_model: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The base URL of a real engine: the bundled model, or random weights of its shape where it is not there."""
    given = request.config.getoption("--engine-url")
    if given:
        yield str(given)
        return
    folder = tmp_path_factory.mktemp("engine")
    port = _free_port()
    try:
        spec = bundled_spec(port)
    except LaunchFailure:
        spec = bundled_spec(port, checkpoint=write_checkpoint(folder / "random"))
    with launch(spec, choose_command(spec), folder / "engine.log") as engine:
        yield engine.url


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
