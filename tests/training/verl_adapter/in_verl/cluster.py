"""One Ray for all checks: two slots, no dashboard, loopback only. verl installs a package ``tests``; ours joins it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from ray import cloudpickle

import tests

ROOT = Path(__file__).parents[4]
tests.__path__.insert(0, str(ROOT / "tests"))


@pytest.fixture(scope="session", autouse=True)
def cluster() -> Iterator[None]:
    """Ray's processes import ours by the path that they inherit; what the tests hold goes to them by value."""
    from tests.training.verl_adapter import judging

    cloudpickle.register_pickle_by_value(judging)
    os.environ["PYTHONPATH"] = str(ROOT)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
    yield
    ray.shutdown()
