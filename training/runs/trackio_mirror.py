"""Owns the mirror of a run's metrics in trackio: a database in the run's folder, written by a process of its own.

Invariant: the mirror is metrics.jsonl again: it starts over from it, so that a resumed run's steps stand there once.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.runs.files import RunError, naming
from training.runs.folder import RunFolder

WRITER = Path(__file__).with_name("trackio_writer.py")
CLOSE_SECONDS = 120
LOG_CHARS = 2000
# What would make trackio write elsewhere, by its own variables.
REMOTES = (
    *("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "TRACKIO_BUCKET_ID", "TRACKIO_DATASET_ID", "TRACKIO_STORAGE_MODE"),
    *("SYSTEM", "SPACE_ID", "SPACE_REPO_NAME"),
)


class TrackioMirror:
    """Look at it with ``TRACKIO_DIR=RUN/trackio trackio show``."""

    def __init__(self, project: str, run_name: str, config: Mapping[str, Any], folder: RunFolder) -> None:
        data = folder.path / "trackio"
        self._log = data / "writer.log"
        with naming(data):
            data.mkdir(exist_ok=True)
            with self._log.open("wb") as log:
                # -P: this folder's modules are no packages for trackio to find.
                self._writer = subprocess.Popen(
                    [*_environment(data), sys.executable, "-P", str(WRITER), project, run_name],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        rows = [(row.pop("step"), _known(row)) for row in folder.metrics()]
        self._send({"config": config, "rows": rows})

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Add a row. Raises ``RunError`` where the writer has ended, with what it said."""
        self._send({"rows": [(step, values)]})

    def close(self) -> None:
        """Wait until all is written. Raises ``RunError`` where it was not, with what the writer said."""
        assert self._writer.stdin is not None
        try:
            self._writer.stdin.close()
            status = self._writer.wait(CLOSE_SECONDS)
        except BrokenPipeError:
            status = self._writer.wait()
        except subprocess.TimeoutExpired:
            self._writer.kill()
            self._writer.wait()
            raise RunError(f"{self._log.parent}: not written within {CLOSE_SECONDS} s") from None
        if status:
            raise self._failed()

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._writer.stdin is not None
        try:
            self._writer.stdin.write(json.dumps(message).encode() + b"\n")
            self._writer.stdin.flush()
        except BrokenPipeError as error:
            self._writer.wait()
            raise self._failed() from error

    def _failed(self) -> RunError:
        said = self._log.read_text(encoding="utf-8", errors="replace").strip()[-LOG_CHARS:]
        return RunError(f"{self._log.parent}: trackio's writer ended with status {self._writer.returncode}: {said}")


def _known(row: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in row.items() if value is not None}


def _environment(data: Path) -> list[str]:
    """The command that starts another with its variables changed, so that nothing here need read them."""
    unset = [argument for name in REMOTES for argument in ("-u", name)]
    return ["env", *unset, f"TRACKIO_DIR={data.resolve()}", "HF_HUB_OFFLINE=1"]
