"""Owns what all of TRL's trainers have in common here: their arguments, their silence, and how a run ends.

Invariant: nothing of a run is told to anyone outside, and what is served comes from a whole checkpoint.
"""

from pathlib import Path
from typing import Any

import torch

from training.runs.folder import RunError, RunFolder
from training.runs.plots import plot
from training.trl_adapter.checkpoints import latest_checkpoint
from training.trl_adapter.policy import save_for_serving
from training.trl_adapter.settings import Recipe

KEPT_CHECKPOINTS = 2


class Untold:
    """Mixed into TRL's own trainers: without it each run sends its makers a word about itself."""

    def _send_telemetry(self) -> None:
        return None


def common_arguments(recipe: Recipe, checkpoints: Path) -> dict[str, Any]:
    """Return those of a recipe's settings that every trainer takes, under the trainers' names."""
    return {
        "output_dir": str(checkpoints),
        "seed": recipe.seed,
        "max_steps": recipe.steps,
        "learning_rate": recipe.learning_rate,
        "warmup_steps": recipe.warmup_steps,
        "lr_scheduler_type": recipe.schedule,
        "weight_decay": recipe.weight_decay,
        "max_grad_norm": recipe.max_grad_norm,
        "per_device_train_batch_size": recipe.rows_per_device,
        "gradient_accumulation_steps": recipe.accumulate,
        "router_aux_loss_coef": recipe.router_loss_weight,
        "bf16": recipe.bf16,
        "activation_checkpointing": recipe.gradient_checkpointing,
        "save_strategy": "steps",
        "save_steps": recipe.checkpoint_every_steps,
        "save_total_limit": KEPT_CHECKPOINTS,
        "logging_steps": recipe.log_every_steps,
        "use_cpu": not torch.cuda.is_available(),
        "dataloader_pin_memory": torch.cuda.is_available(),
        "report_to": "none",
    }


def write_finished(recipe: Recipe, run: RunFolder) -> None:
    """Write the model to serve, from the last checkpoint, and the plots; in the first process. Raises ``RunError``."""
    last = latest_checkpoint(run.checkpoints)
    if last is None:
        raise RunError(f"{run.checkpoints}: no whole checkpoint after the last step")
    save_for_serving(last, recipe, run.model)
    plot(run)
