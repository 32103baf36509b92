"""Runs supervised training with TRL's SFTTrainer on sequences whose labels are set here, and exports what it made.

Invariant: the same command on the same folder goes on from the last whole checkpoint to the same result, and a packed
row's conversations do not see each other.
"""

from pathlib import Path
from typing import Any

from accelerate import PartialState
from datasets import Dataset
from transformers import PreTrainedTokenizerBase
from trl import SFTConfig, SFTTrainer

from training.runs.folder import RunFolder
from training.trl_adapter.callbacks import FolderCallback, open_run
from training.trl_adapter.chats import read_conversations
from training.trl_adapter.checkpoints import latest_checkpoint, resume_exactly
from training.trl_adapter.policy import load_policy, load_served, load_tokenizer, peft_config
from training.trl_adapter.sequences import Sequences, encode_all, mean_loss
from training.trl_adapter.settings import JudgeRecipe, SftRecipe
from training.trl_adapter.trainer import Untold, common_arguments, write_finished


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
        write_finished(recipe, run)
    trainer.accelerator.wait_for_everyone()


def sft_config(recipe: SftRecipe | JudgeRecipe, checkpoints: Path) -> SFTConfig:
    """Translate a recipe into TRL's own configuration."""
    return SFTConfig(
        **common_arguments(recipe, checkpoints),
        max_length=recipe.max_tokens,
        packing=recipe.packing,
        packing_strategy="bfd",
        logging_nan_inf_filter=False,
    )


def counts(sequences: Sequences) -> dict[str, int]:
    """Return how much was trained on, and what was left out."""
    return {
        "sequences": len(sequences.dataset),
        "tokens": sequences.tokens,
        "learnt_tokens": sequences.learnt_tokens,
        "too_long": sequences.too_long,
    }


class _Trainer(Untold, SFTTrainer):  # type: ignore[misc]  # untyped library
    """TRL's own, untold."""
