import io
import time

import pytest

from training.data.progress import Progress


def test_progress_shows_rows_share_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    progress = Progress(stream)
    progress.show(64, 0.01)
    now[0] += 4.0
    progress.show(1_001, 0.5)
    assert stream.getvalue() == ""
    progress.show(1_024, 0.5)
    progress.show(2_048, 0.6)
    assert stream.getvalue() == "1024 rows, 50%, 256 rows/s, 4 s left   \n"
    progress.end()
    assert stream.getvalue().endswith("left   \n")
