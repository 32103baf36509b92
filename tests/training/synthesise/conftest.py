"""One real Ray for all runs in this process: it takes seconds to start.

Invariant: it reports no usage and shows no dashboard, and it is gone with the last test.
"""

from collections.abc import Iterator

import pytest

from training.synthesise.cluster import running
from training.synthesise.settings import Cluster


@pytest.fixture(scope="package")
def ray_of_ours() -> Iterator[None]:
    import ray
    from ray._common.usage.usage_lib import usage_stats_enabled

    with running(Cluster(cpus=3, object_store_mb=100)):
        assert not usage_stats_enabled()
        yield
    assert not ray.is_initialized()
