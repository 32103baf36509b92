"""Owns what a trainer writes into its run's folder: metrics at every log, rewound to the checkpoint it goes on from.

Invariant: after a kill and a resumption the rows are those of a run without a kill, but for times.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from accelerate import PartialState
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from training.runs import metrics
from training.runs.folder import RunError, RunFolder
from training.runs.tracking import Tracker
from training.trl_adapter.settings import Recipe

OWN = "run/"
"""A metric of our own is logged to the trainer as ``run/reward``: TRL has a ``reward`` too, and would average both."""

TRAINERS = {
    "loss": metrics.LOSS,
    "learning_rate": metrics.LEARNING_RATE,
    "grad_norm": metrics.GRAD_NORM,
    "entropy": metrics.ENTROPY,
    "kl": metrics.KL,
    "clip_ratio/region_mean": metrics.CLIPPED_SHARE,
    "completions/clipped_ratio": f"{metrics.EVAL}truncated_share",
}
"""The trainer's names and ours; what is in neither is not kept."""


def open_run(path: Path, recipe: Recipe) -> RunFolder:
    """Open the folder in the first process, and read it in the others once it is there.

    Raises ``RunError``, also where other processes run than the recipe counts on.
    """
    state = PartialState()
    if state.num_processes != recipe.processes:
        raise RunError(f"the recipe is for {recipe.processes} processes, and {state.num_processes} are running")
    if state.is_main_process:
        folder = RunFolder.open(path, recipe)
        state.wait_for_everyone()
        return folder
    state.wait_for_everyone()
    return RunFolder.read(path)


class FolderCallback(TrainerCallback):  # type: ignore[misc]  # untyped library
    """Writes one row for each log, into the folder and to the run's tracker.

    A checkpoint's step is logged too, so that a resumption averages over whole rows.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._tracker: Tracker | None = None
        self._tokens = 0.0
        self._since = time.monotonic()

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Forget what was written after the checkpoint's step, or, without a checkpoint, everything."""
        if state.is_world_process_zero:
            self._folder.rewind(state.global_step)
            self._tracker = _tracker(self._folder)
        self._tokens, self._since = float(state.num_input_tokens_seen), time.monotonic()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Have the step logged whose checkpoint is saved."""
        if control.should_save:
            control.should_log = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Write the row of a training log; the trainer's closing summary is none. Raises ``RunError``."""
        if logs is None or "loss" not in logs or not state.is_world_process_zero:
            return
        row = run_metrics(logs) | self._pace(logs.get("num_tokens"))
        self._folder.append_metrics(state.global_step, row)
        if self._tracker is not None:
            self._tracker.log(state.global_step, row)

    def close(self) -> None:
        """Let the tracker go, whether or not training came to its end. Raises ``RunError``."""
        tracker, self._tracker = self._tracker, None
        if tracker is not None:
            tracker.close()

    def _pace(self, tokens: float | None) -> dict[str, float]:
        """Seconds since the last row, and tokens a second where the trainer counts tokens."""
        now = time.monotonic()
        seconds, self._since = now - self._since, now
        if tokens is None:
            return {metrics.SECONDS: seconds}
        seen, self._tokens = tokens - self._tokens, tokens
        return {metrics.SECONDS: seconds, metrics.TOKENS_PER_SECOND: seen / seconds}


def _tracker(folder: RunFolder) -> Tracker:
    config = folder.made_with["config"]
    return Tracker(config["tracking"], f"preceptor-{config['type']}", folder.path.name, config, folder)


def run_metrics(logs: Mapping[str, Any]) -> dict[str, float]:
    """Return a trainer's log under the names of `training.runs`; what has no value is left out."""
    renamed = {TRAINERS[name]: value for name, value in logs.items() if name in TRAINERS and value is not None}
    own = {name.removeprefix(OWN): value for name, value in logs.items() if name.startswith(OWN) and value is not None}
    return {name: float(value) for name, value in (renamed | own).items()}
