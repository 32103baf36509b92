from collections.abc import Iterator

import pytest

from tests.service.api.conftest import _running, engine_base, retriever, script, serve
from tests.service.tracing.collector import Collector, collecting

__all__ = ["_running", "engine_base", "retriever", "script", "serve"]


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found
