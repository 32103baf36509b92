"""Runs supervised training with TRL's SFTTrainer on sequences whose labels are set here, and exports what it made.

Invariant: the same command on the same folder goes on from the last whole checkpoint to the same result, and a packed
row's conversations do not see each other.
"""

from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from datasets import Dataset
from transformers import PreTrainedTokenizerBase
from trl import SFTConfig, SFTTrainer

from training.runs.folder import RunError, RunFolder
from training.runs.plots import plot
from training.trl_adapter.callbacks import FolderCallback, open_run
from training.trl_adapter.chats import read_conversations
from training.trl_adapter.checkpoints import latest_checkpoint, resume_exactly
from training.trl_adapter.policy import load_policy, load_served, load_tokenizer, peft_config, save_for_serving
from training.trl_adapter.sequences import Sequences, encode_all, mean_loss
from training.trl_adapter.settings import JudgeRecipe, SftRecipe

KEPT_CHECKPOINTS = 2


def train_sft(recipe: SftRecipe, folder: Path) -> Path:
    """Train by a recipe in the run's folder, and return the folder of the finished checkpoint.

    finished.json holds what was trained on and left out, and the mean loss over the held-out conversations' learnt
    tokens. Raises ``RunError``, and what the data files raise; the last checkpoint then stays whole.
    """
    run = open_run(folder, recipe)
    if run.finished is not None:
        return run.model
    tokenizer = load_tokenizer(recipe.model)
    read = read_conversations(recipe.data)
    train = encode_all(read.rows, tokenizer, recipe.max_tokens)
    held_out = None
    if recipe.held_out is not None:
        held_out = encode_all(read_conversations(recipe.held_out).rows, tokenizer, recipe.max_tokens)
    supervise(recipe, train.dataset, tokenizer, run)
    if PartialState().is_main_process:
        figures: dict[str, Any] = {"conversations": len(read.rows), "ties": read.ties, **counts(train)}
        if held_out is not None:
            loss = mean_loss(load_served(run.model), held_out.dataset)
            figures["held_out"] = {"loss": loss, **counts(held_out)}
        run.mark_finished(figures)
    return run.model


def supervise(
    recipe: SftRecipe | JudgeRecipe, dataset: Dataset, tokenizer: PreTrainedTokenizerBase, run: RunFolder
) -> None:
    """Train on ``dataset`` (``input_ids``, ``labels``); write the run's model and plots. Raises ``RunError``.

    The arguments come first: they set the process up as FSDP wants it before a model is loaded.
    """
    arguments = sft_config(recipe, run.checkpoints)
    model = load_policy(recipe.model, recipe)
    trainer = _Trainer(
        model=model,
        args=arguments,
        train_dataset=dataset,
        processing_class=tokenizer,
        peft_config=peft_config(recipe.lora, model),
        callbacks=[FolderCallback(run)],
    )
    resume_exactly(trainer, latest_checkpoint(run.checkpoints))
    if trainer.accelerator.is_main_process:
        last = latest_checkpoint(run.checkpoints)
        if last is None:
            raise RunError(f"{run.checkpoints}: no whole checkpoint after the last step")
        save_for_serving(last, recipe, run.model)
        plot(run)
    trainer.accelerator.wait_for_everyone()


def sft_config(recipe: SftRecipe | JudgeRecipe, checkpoints: Path) -> SFTConfig:
    """Translate a recipe into TRL's own configuration."""
    return SFTConfig(
        output_dir=str(checkpoints),
        seed=recipe.seed,
        max_steps=recipe.steps,
        learning_rate=recipe.learning_rate,
        warmup_steps=recipe.warmup_steps,
        lr_scheduler_type=recipe.schedule,
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        per_device_train_batch_size=recipe.rows_per_device,
        gradient_accumulation_steps=recipe.accumulate,
        max_length=recipe.max_tokens,
        packing=recipe.packing,
        packing_strategy="bfd",
        router_aux_loss_coef=recipe.router_loss_weight,
        bf16=recipe.bf16,
        activation_checkpointing=recipe.gradient_checkpointing,
        save_strategy="steps",
        save_steps=recipe.checkpoint_every_steps,
        save_total_limit=KEPT_CHECKPOINTS,
        logging_steps=recipe.log_every_steps,
        logging_nan_inf_filter=False,
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
        report_to="none",
    )


def counts(sequences: Sequences) -> dict[str, int]:
    """Return how much was trained on, and what was left out."""
    return {
        "sequences": len(sequences.dataset),
        "tokens": sequences.tokens,
        "learnt_tokens": sequences.learnt_tokens,
        "too_long": sequences.too_long,
    }


class _Trainer(SFTTrainer):  # type: ignore[misc]  # untyped library
    """TRL's own, but for its word to its makers about each run: what is trained here is told to nobody."""

    def _send_telemetry(self) -> None:
        return None
