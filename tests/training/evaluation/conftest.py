"""Folders of their own for inspect, so that no test reads another's cache or writes into the user's."""

from pathlib import Path

import pytest


@pytest.fixture
def inspect_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point inspect's cache and data at a folder of this test; return the one for its logs."""
    monkeypatch.setenv("INSPECT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    logs = tmp_path / "logs"
    logs.mkdir()
    return logs
