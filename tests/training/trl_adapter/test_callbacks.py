from pathlib import Path
from typing import Any

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from tests.training.trl_adapter.supervised import recipe_for
from training.runs.folder import RunFolder
from training.trl_adapter.callbacks import FolderCallback, run_metrics


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.open(tmp_path / "run", recipe_for(tmp_path, tmp_path))


def at(step: int, **values: Any) -> TrainerState:
    return TrainerState(global_step=step, is_world_process_zero=True, **values)


def test_own_metrics_take_the_place_of_the_trainers_of_the_same_name() -> None:
    logs = {
        "loss": 1,
        "reward": 0.0,
        "run/reward": 0.7,
        "run/score/accuracy": 0.5,
        "run/kl": 2.0,
        "kl": 1.0,
        "epoch": 1,
    }
    assert run_metrics(logs) == {"loss": 1.0, "reward": 0.7, "score/accuracy": 0.5, "kl": 2.0}
    assert run_metrics({"loss": 1, "run/reward": None, "entropy": None}) == {"loss": 1.0}


def test_rows_after_the_checkpoint_are_written_once(run: RunFolder, tmp_path: Path) -> None:
    callback, control = FolderCallback(run), TrainerControl()
    arguments = TrainingArguments(output_dir=str(tmp_path), report_to="none")
    for began, steps in ((0, (2, 3, 4)), (3, (4, 6))):
        callback.on_train_begin(arguments, at(began), control)
        for step in steps:
            callback.on_log(arguments, at(step), control, logs={"loss": float(step)})
        callback.on_log(arguments, at(step), control, logs={"train_loss": 1.0, "train_runtime": 3.0})
        callback.close()
    assert [(row["step"], row["loss"]) for row in run.metrics()] == [(2, 2.0), (3, 3.0), (4, 4.0), (6, 6.0)]


def test_tokens_are_counted_from_where_the_trainer_began(run: RunFolder, tmp_path: Path) -> None:
    callback, control = FolderCallback(run), TrainerControl()
    arguments = TrainingArguments(output_dir=str(tmp_path), report_to="none")
    callback.on_train_begin(arguments, at(0, num_input_tokens_seen=1000), control)
    callback.on_log(arguments, at(1), control, logs={"loss": 1.0, "num_tokens": 1100})
    callback.on_log(arguments, at(2), control, logs={"loss": 1.0, "num_tokens": 1400})
    first, second = run.metrics()
    assert first["tokens_per_second"] * first["seconds"] == pytest.approx(100)
    assert second["tokens_per_second"] * second["seconds"] == pytest.approx(300)


def test_a_step_that_is_saved_is_logged(run: RunFolder, tmp_path: Path) -> None:
    control = TrainerControl(should_save=True)
    FolderCallback(run).on_step_end(TrainingArguments(output_dir=str(tmp_path), report_to="none"), at(3), control)
    assert control.should_log


def test_another_process_writes_nothing(run: RunFolder, tmp_path: Path) -> None:
    callback, control = FolderCallback(run), TrainerControl()
    arguments = TrainingArguments(output_dir=str(tmp_path), report_to="none")
    state = TrainerState(global_step=1, is_world_process_zero=False)
    callback.on_train_begin(arguments, state, control)
    callback.on_log(arguments, state, control, logs={"loss": 1.0})
    assert run.metrics() == []


def test_the_tracker_gets_what_the_folder_gets(tmp_path: Path) -> None:
    run = RunFolder.open(tmp_path / "run", recipe_for(tmp_path, tmp_path, tracking="trackio"))
    callback, control = FolderCallback(run), TrainerControl()
    arguments = TrainingArguments(output_dir=str(tmp_path), report_to="none")
    callback.on_train_begin(arguments, at(0), control)
    callback.on_log(arguments, at(1), control, logs={"loss": 0.25})
    callback.close()
    callback.close()
    assert list((run.path / "trackio").glob("*.db"))
