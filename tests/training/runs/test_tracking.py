"""Mirrors of metrics: trackio for real, in the run's folder and away from any network; the others at their seam."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from tests.models.scripted import serving, silent
from training.runs.folder import RunError, RunFolder
from training.runs.tracking import Kind, Tracker

ROOT = Path(__file__).parents[3]


class Config(BaseModel):
    seed: int = 3
    judge: dict[str, str] = {"type": "miniclinic"}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.open(tmp_path / "run", Config())


def tracker(run: RunFolder, kind: Kind = "trackio") -> Tracker:
    return Tracker(kind, "miniclinic", "grpo-3", Config().model_dump(mode="json"), run)


def read_back(run: RunFolder, what: str = "get_logs") -> Any:
    """Ask trackio itself, in a process of its own, for it fixes its folder when it is imported."""
    code = (
        "import json; from trackio.sqlite_storage import SQLiteStorage as s;"
        f"print(json.dumps([s.get_runs('miniclinic'), s.{what}('miniclinic', 'grpo-3')], default=str))"
    )
    environment = {**os.environ, "TRACKIO_DIR": str(run.path / "trackio"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    runs, found = json.loads(done.stdout)
    assert runs == ["grpo-3"]
    return found


def rows(run: RunFolder) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "timestamp"} for row in read_back(run)]


def test_a_run_is_read_back_from_its_folder(run: RunFolder) -> None:
    with tracker(run) as tracked:
        tracked.log(1, {"loss": 2.0, "score/accuracy": 0.25})
        tracked.log(2, {"loss": 1.5, "kl": float("nan")})
        tracked.log(3, {"kl": float("inf")})
    assert rows(run) == [{"step": 1, "loss": 2.0, "score/accuracy": 0.25}, {"step": 2, "loss": 1.5}]
    config = read_back(run, "get_run_config")
    assert (config["seed"], config["judge"]) == (3, {"type": "miniclinic"})


def test_a_resumed_run_has_every_step_once(run: RunFolder) -> None:
    for step in (1, 2, 3):
        run.append_metrics(step, {"loss": 1.0 / step, "kl": float("nan")})
    tracked = tracker(run)
    tracked.log(4, {"loss": 9.0})
    tracked.close()
    assert [row["step"] for row in rows(run)] == [1, 2, 3, 4]
    run.rewind(2)
    with tracker(run) as again:
        for step in (3, 4):
            again.log(step, {"loss": 1.0 / step})
    assert rows(run) == [{"step": step, "loss": 1.0 / step} for step in (1, 2, 3, 4)]


LOG_AND_DIE = """
import os, signal, sys
from pathlib import Path
from training.runs.folder import RunFolder
from training.runs.tracking import Tracker
tracked = Tracker("trackio", "miniclinic", "grpo-3", {}, RunFolder.read(Path(sys.argv[1])))
tracked.log(1, {"loss": 1.0})
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_logged_before_a_kill_arrives(run: RunFolder) -> None:
    command = [sys.executable, "-c", LOG_AND_DIE, str(run.path)]
    done = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=50)
    assert done.returncode == -signal.SIGKILL
    for _ in range(200):
        if (run.path / "trackio" / "miniclinic.db").exists() and rows(run):
            break
        time.sleep(0.1)
    assert rows(run) == [{"step": 1, "loss": 1.0}]


async def test_no_server_is_ever_asked(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(silent) as server:
        monkeypatch.setenv("TRACKIO_SERVER_URL", server.url)
        monkeypatch.setenv("TRACKIO_WRITE_TOKEN", "w")
        monkeypatch.setenv("TRACKIO_SPACE_ID", "someone/space")
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_TOKEN", "t")
        with tracker(run) as tracked:
            tracked.log(1, {"loss": 1.0})
        assert server.connections == 0
        monkeypatch.undo()
    assert rows(run) == [{"step": 1, "loss": 1.0}]


def log_for_long(tracked: Tracker) -> None:
    for step in range(1000):
        tracked.log(step, {"loss": 1.0})
        time.sleep(0.05)


def test_a_writer_that_ends_is_an_error_with_what_it_said(run: RunFolder) -> None:
    (run.path / "trackio").mkdir()
    (run.path / "trackio" / "miniclinic.db").mkdir()
    tracked = tracker(run)
    message = r"trackio: trackio's writer ended with status 1: [\s\S]*unable to open database"
    with pytest.raises(RunError, match=message):
        log_for_long(tracked)
    with pytest.raises(RunError, match="writer ended with status 1"):
        tracked.close()
    tracked.close()


def test_no_tracking_writes_nothing(run: RunFolder) -> None:
    before = sorted(run.path.iterdir())
    with tracker(run, "none") as tracked:
        tracked.log(1, {"loss": 1.0})
    assert sorted(run.path.iterdir()) == before


@pytest.mark.parametrize("kind", ["wandb", "mlflow", "tensorboard"])
def test_a_tracker_that_is_not_installed_is_named(run: RunFolder, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "meta_path", [finder for finder in sys.meta_path if not hasattr(finder, "MAPPING")])
    with pytest.raises(RunError, match=f"tracking '{kind}' needs the package {kind}, which is not installed"):
        tracker(run, kind)


RECORDING = """
calls = []
class Recorded:
    def __getattr__(self, name):
        return lambda *given, **named: calls.append([name, *given, named]) or Recorded()
def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(Recorded(), name)
"""


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("wandb", ["init", "log", "finish"]),
        ("mlflow", ["set_experiment", "start_run", "log_dict", "log_metrics", "end_run"]),
    ],
)
def test_the_others_are_given_steps_and_finite_values(
    run: RunFolder, kind: Kind, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """These packages are not installed for tests: what is checked is what they would be asked."""
    (tmp_path / f"{kind}.py").write_text(RECORDING)
    monkeypatch.syspath_prepend(tmp_path)
    with tracker(run, kind) as tracked:
        tracked.log(7, {"loss": 1.0, "kl": float("nan")})
    calls = sys.modules.pop(kind).calls
    assert [call[0] for call in calls] == expected
    logged = next(call for call in calls if call[0] in ("log", "log_metrics"))
    assert logged[1:] == [{"loss": 1.0}, {"step": 7}]
