"""A run's folder: made, opened again, cut off, rewound, and on a disk that is full."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from training.runs.folder import RunError, RunFolder
from training.runs.revision import git_revision


class Inner(BaseModel):
    rank: int = 8
    modules: tuple[str, ...] = ("q", "k")


class Config(BaseModel):
    seed: int = 3
    learning_rate: float = 1e-5
    data: Path = Path("rows.jsonl")
    lora: Inner | None = Inner()


class Seedless(BaseModel):
    steps: int = 1


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.open(tmp_path / "deep" / "run", Config())


def made_with(folder: RunFolder) -> Any:
    return json.loads((folder.path / "config.json").read_text())


def test_the_configuration_is_written_resolved_with_revision_seed_and_versions(run: RunFolder) -> None:
    written = made_with(run)
    assert written["config"] == {
        "seed": 3,
        "learning_rate": 1e-5,
        "data": "rows.jsonl",
        "lora": {"rank": 8, "modules": ["q", "k"]},
    }
    assert (written["seed"], written["revision"]) == (3, git_revision())
    assert written["packages"]["torch"]
    assert "resumed" not in written
    assert (run.checkpoints, run.model) == (run.path / "checkpoints", run.path / "model")


def test_opened_again_with_the_same_configuration_it_notes_the_revision(run: RunFolder) -> None:
    run.append_metrics(1, {"loss": 2.0})
    again = RunFolder.open(RunFolder.open(run.path, Config()).path, Config())
    assert made_with(again)["resumed"] == [git_revision(), git_revision()]
    assert again.metrics() == [{"step": 1, "loss": 2.0}]


def test_another_configuration_is_refused_by_its_keys_and_both_values(run: RunFolder) -> None:
    before = made_with(run)
    with pytest.raises(RunError) as caught:
        RunFolder.open(run.path, Config(learning_rate=2e-5, lora=Inner(rank=16)))
    assert str(caught.value) == (
        f"{run.path}: made with another configuration: learning_rate is 1e-05 there, 2e-05 now; "
        "lora.rank is 8 there, 16 now"
    )
    assert made_with(run) == before


def test_only_the_first_differences_are_named(run: RunFolder) -> None:
    class Wide(BaseModel):
        seed: int = 3
        a: int = 1
        b: int = 1
        c: int = 1
        d: int = 1

    with pytest.raises(RunError, match=r"learning_rate is 1e-05 there, 'absent' now; .*; and 2 more$"):
        RunFolder.open(run.path, Wide())


def test_a_configuration_without_a_seed_has_none(tmp_path: Path) -> None:
    assert made_with(RunFolder.open(tmp_path, Seedless()))["seed"] is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"config": '])
def test_a_broken_configuration_file_is_named(run: RunFolder, text: str) -> None:
    (run.path / "config.json").write_text(text)
    with pytest.raises(RunError, match=r"config\.json: no"):
        RunFolder.open(run.path, Config())


@pytest.mark.parametrize("name", ["metrics.jsonl", "rollouts.jsonl", "checkpoints"])
def test_a_runs_files_without_its_configuration_are_nobodys(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(RunError, match=f"holds {name} but no config.json"):
        RunFolder.open(tmp_path, Config())


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"file/run: Not a directory"):
        RunFolder.open(tmp_path / "file" / "run", Config())


def test_only_a_runs_folder_can_be_read(tmp_path: Path, run: RunFolder) -> None:
    assert RunFolder.read(run.path).made_with == made_with(run)
    with pytest.raises(RunError, match="no run's folder"):
        RunFolder.read(tmp_path)


def test_values_that_are_not_finite_become_null(run: RunFolder) -> None:
    run.append_metrics(1, {"loss": float("nan"), "kl": float("inf"), "reward": 1})
    assert run.metrics() == [{"step": 1, "loss": None, "kl": None, "reward": 1.0}]


def test_a_metric_that_is_none_is_refused_before_anything_is_written(run: RunFolder) -> None:
    with pytest.raises(ValueError, match="'train_loss', 'step'"):
        run.append_metrics(1, {"train_loss": 1.0, "loss": 1.0, "step": 2})
    assert run.metrics() == []


def test_every_rollout_gets_the_step_it_was_written_at(run: RunFolder) -> None:
    run.append_rollouts(4, [{"answer": "ja\u2028\nß"}, {"answer": "b", "step": 9}])
    assert list(run.rollouts()) == [{"step": 4, "answer": "ja\u2028\nß"}, {"step": 4, "answer": "b"}]


@pytest.mark.parametrize("value", [float("nan"), object(), "\ud800"])
def test_rollouts_that_json_cannot_hold_are_refused_together(run: RunFolder, value: object) -> None:
    with pytest.raises(RunError, match=r"rollouts\.jsonl: a row that JSON cannot hold"):
        run.append_rollouts(1, [{"answer": "a"}, {"answer": value}])
    assert list(run.rollouts()) == []


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 6), st.text(max_size=5)), max_size=12), st.integers(0, 7), st.booleans())
def test_rewinding_keeps_exactly_the_rows_up_to_the_step(rows: list[tuple[int, str]], step: int, torn: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder))
        for at, answer in rows:
            run.append_rollouts(at, [{"answer": answer}])
            run.append_metrics(at, {"loss": float(at)})
        if torn:
            with (run.path / "rollouts.jsonl").open("ab") as file:
                file.write(b'{"step": 0, "answ')
        run.rewind(step)
        kept = [{"step": at, "answer": answer} for at, answer in rows if at <= step]
        assert list(run.rollouts()) == kept
        assert run.metrics() == [{"step": row["step"], "loss": float(str(row["step"]))} for row in kept]
        run.append_rollouts(8, [{"answer": "next"}])
        assert list(run.rollouts()) == [*kept, {"step": 8, "answer": "next"}]


def test_nothing_to_rewind_leaves_the_file_itself(run: RunFolder) -> None:
    run.append_metrics(1, {"loss": 1.0})
    before = (run.path / "metrics.jsonl").stat().st_ino
    run.rewind(1)
    assert (run.path / "metrics.jsonl").stat().st_ino == before
    assert not (run.path / "rollouts.jsonl").exists()


def test_a_line_cut_off_by_a_kill_is_no_row_and_is_gone_when_opened_again(run: RunFolder) -> None:
    run.append_metrics(1, {"loss": 1.0})
    with (run.path / "metrics.jsonl").open("ab") as file:
        file.write(b'{"step": 2, "lo')
    assert run.metrics() == [{"step": 1, "loss": 1.0}]
    again = RunFolder.open(run.path, Config())
    again.append_metrics(2, {"loss": 0.5})
    assert [row["step"] for row in again.metrics()] == [1, 2]


def test_a_broken_line_in_the_middle_is_named(run: RunFolder) -> None:
    (run.path / "metrics.jsonl").write_text('{"step": 1}\nnonsense\n{"step": 2}\n')
    with pytest.raises(RunError, match=r"metrics\.jsonl:2: not JSON"):
        run.metrics()


def test_it_is_finished_once_marked(run: RunFolder) -> None:
    assert run.finished is None
    run.mark_finished({"steps": 5, "reward": 0.5})
    assert RunFolder.read(run.path).finished == {"steps": 5, "reward": 0.5}
    with pytest.raises(RunError, match=r"finished\.json: a row that JSON cannot hold"):
        run.mark_finished({"reward": float("nan")})
    assert run.finished == {"steps": 5, "reward": 0.5}
    assert [path.name for path in run.path.iterdir() if "partial" in path.name] == []


ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from training.runs.folder import RunError, RunFolder

folder = RunFolder.read(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
attempts = {
    "metrics": lambda: [folder.append_metrics(step, {"loss": 1.0}) for step in range(2, 500)],
    "rollouts": lambda: folder.append_rollouts(2, [{"answer": "x" * 100}] * 100),
    "rewind": lambda: folder.rewind(1),
    "finished": lambda: folder.mark_finished({"text": "x" * 5000}),
}
try:
    attempts[sys.argv[2]]()
except RunError as error:
    print(error)
"""


def full_disk(folder: RunFolder, attempt: str, environment: Mapping[str, str]) -> str:
    """Attempt it where no file may grow beyond 4096 bytes: the kernel then fails the write, as on a full disk."""
    command = [sys.executable, "-c", ON_A_FULL_DISK, str(folder.path), attempt]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()


@pytest.mark.parametrize(
    ("attempt", "name"), [("metrics", "metrics.jsonl"), ("rollouts", "rollouts.jsonl"), ("finished", "finished.json")]
)
def test_a_full_disk_is_an_error_with_the_files_name_and_no_half_row(run: RunFolder, attempt: str, name: str) -> None:
    run.append_metrics(1, {"loss": 1.0})
    run.append_rollouts(1, [{"answer": "a"}])
    run.mark_finished({"steps": 1})
    said = full_disk(run, attempt, {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])})
    assert said == f"{run.path / name}: File too large"
    for file in ("metrics.jsonl", "rollouts.jsonl"):
        assert (run.path / file).read_bytes().endswith(b"}\n")
    assert [row["step"] for row in run.metrics()] == list(range(1, len(run.metrics()) + 1))
    assert list(run.rollouts()) == [{"step": 1, "answer": "a"}]
    assert run.finished == {"steps": 1}
    assert [path.name for path in run.path.iterdir() if "partial" in path.name] == []


def test_a_rewind_on_a_full_disk_leaves_what_was_there(run: RunFolder) -> None:
    run.append_rollouts(1, [{"answer": "x" * 100}] * 100)
    run.append_rollouts(2, [{"answer": "b"}])
    said = full_disk(run, "rewind", {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])})
    assert said == f"{run.path / 'rollouts.jsonl'}: File too large"
    assert len(list(run.rollouts())) == 101


def test_a_device_without_space_is_an_error(tmp_path: Path) -> None:
    run = RunFolder.open(tmp_path, Seedless())
    (tmp_path / "metrics.jsonl").symlink_to("/dev/full")
    with pytest.raises(RunError, match=r"metrics\.jsonl: No space left on device"):
        run.append_metrics(1, {"loss": 1.0})
