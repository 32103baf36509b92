"""What the chart's tests share: promtool, which Debian's package `prometheus` brings."""

import os
import shutil
import subprocess

import pytest


@pytest.fixture(scope="session")
def promtool() -> str:
    """Where promtool is; installed as root where it is missing. Fails with what to do where that is not possible."""
    found = shutil.which("promtool")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        command = ["apt-get", "install", "--yes", "--no-install-recommends", "prometheus"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"apt-get install prometheus: {done.stderr.strip()[-500:]}"
        found = shutil.which("promtool")
    assert found is not None, "these tests need promtool: install Debian's package prometheus, as root"
    return found
