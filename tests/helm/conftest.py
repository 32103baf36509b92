"""What the chart's tests share: promtool, which Debian's package `prometheus` brings."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

LOCK = Path(tempfile.gettempdir()) / "preceptor-tests-apt.lock"
INSTALL_SECONDS = 600


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test of promtool may have to wait for its installation."""
    for item in items:
        if "promtool" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(INSTALL_SECONDS))


@pytest.fixture(scope="session")
def promtool() -> str:
    """Where promtool is; installed as root where it is missing. Fails with what to do where that is not possible."""
    found = shutil.which("promtool")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        # A new machine has no package lists yet, and another process of these tests may be installing the same.
        for words in (["update"], ["install", "--yes", "--no-install-recommends", "prometheus"]):
            command = ["apt-get", "-o", "DPkg::Lock::Timeout=300", *words]
            with LOCK.open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()[-500:]}"
        found = shutil.which("promtool")
    assert found is not None, "these tests need promtool: install Debian's package prometheus, as root"
    return found
