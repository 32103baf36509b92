"""Owns a trainer's checkpoints: which is the newest whole one, and going on from it with exactly its weights.

Invariant: a checkpoint that a kill or a full disk tore is never gone on from, and a weight that was not restored is an
error. The trainer writes ``trainer_state.json`` last.
"""

import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MethodType
from typing import Any

from peft import PeftModel, get_peft_model_state_dict
from safetensors import SafetensorError, safe_open
from torch import nn
from transformers import Trainer

from training.runs.folder import RunError
from training.trl_adapter.callbacks import FolderCallback
from training.trl_adapter.weights import load_whole, named

PREFIX = "checkpoint-"
STATE = "trainer_state.json"
_WEIGHTS = ("*.safetensors", "pytorch_model_fsdp*")
_OPTIMISER = ("optimizer.pt", "optimizer.bin", "optimizer_*")


def latest_checkpoint(folder: Path) -> Path | None:
    """Return the newest whole checkpoint among ``checkpoint-N`` in ``folder``; None where there is none.

    Whole: the state is JSON of this very step, weights and optimiser are there, and every file can be read to its end
    by its own format's index (safetensors' header against the length, a zip's directory, an index's shards).
    """
    return next((path for path in reversed(_by_step(folder)) if _is_whole(path)), None)


def step_of(checkpoint: Path | None) -> int:
    """Return the optimiser steps that a checkpoint was saved after; 0 without one."""
    return 0 if checkpoint is None else int(checkpoint.name.removeprefix(PREFIX))


def discard_torn(folder: Path) -> None:
    """Remove every checkpoint that is not whole; it would count among those that the trainer keeps."""
    for path in _by_step(folder):
        if not _is_whole(path):
            shutil.rmtree(path)


def resume_exactly(trainer: Trainer, checkpoint: Path | None) -> None:
    """Train to the end, from ``checkpoint`` where there is one, with its weights whole; once there, do nothing.

    Transformers (5.23, issue 48805) restores a mixture's attention but keeps the experts that the model was built with:
    it saves experts one by one, holds them together, logs missing keys and goes on. Here weights are read as
    ``from_pretrained`` reads them, all of them or a ``RunError``. So the trainer may be built with the run's first
    model, which then is the reference of a KL penalty too. A checkpoint that cannot be saved is a ``RunError`` as well.
    """
    # The trainer has no public hook for either.
    trainer._load_from_checkpoint = MethodType(_restore_weights, trainer)
    trainer._save_checkpoint = MethodType(_save_or_say, trainer)
    if trainer.args.should_save:
        discard_torn(Path(trainer.args.output_dir))
    if step_of(checkpoint) >= trainer.args.max_steps:
        return
    try:
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    finally:
        for callback in trainer.callback_handler.callbacks:
            if isinstance(callback, FolderCallback):
                callback.close()


@contextmanager
def replace_folder(folder: Path) -> Iterator[Path]:
    """Give a folder beside ``folder`` that takes its place once the block is left and all is on the disk.

    Raises ``RunError`` where something cannot be written; what was there before is then untouched.
    """
    partial, replaced = (folder.with_name(f".{folder.name}.{state}") for state in ("partial", "replaced"))
    try:
        _remove(partial)
        partial.mkdir(parents=True)
        yield partial
        for path in [*partial.rglob("*"), partial]:
            _sync(path)
        if folder.exists():
            _remove(replaced)
            folder.rename(replaced)
        partial.rename(folder)
        _sync(folder.parent)
        _remove(replaced)
    except (OSError, SafetensorError) as error:
        raise RunError(f"{folder}: cannot be written: {error}") from error
    finally:
        _remove(partial)


def _by_step(folder: Path) -> list[Path]:
    numbered = [(path.name.removeprefix(PREFIX), path) for path in folder.glob(f"{PREFIX}*") if path.is_dir()]
    return [path for step, path in sorted((int(step), path) for step, path in numbered if step.isdecimal())]


def _is_whole(checkpoint: Path) -> bool:
    files = [path for path in checkpoint.rglob("*") if path.is_file()]
    return (
        _state_step(checkpoint) == step_of(checkpoint)
        and any(True for pattern in _WEIGHTS for _ in checkpoint.glob(pattern))
        and any(True for pattern in _OPTIMISER for _ in checkpoint.glob(pattern))
        and all(_is_readable(path) for path in files)
    )


def _state_step(checkpoint: Path) -> int | None:
    try:
        return int(json.loads((checkpoint / STATE).read_bytes())["global_step"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_readable(path: Path) -> bool:
    """Look at what tells a whole file from a cut one; the tensors themselves are not read."""
    if path.suffix == ".safetensors":
        try:
            with safe_open(path, framework="pt"):
                return True
        except SafetensorError:
            return False
    if path.suffix in (".pt", ".pth", ".bin"):
        return zipfile.is_zipfile(path)
    if path.name.endswith(".safetensors.index.json"):
        shards = json.loads(path.read_bytes())["weight_map"].values()
        return all((path.parent / shard).is_file() for shard in shards)
    return True


def _restore_weights(trainer: Any, checkpoint: str, model: nn.Module | None = None) -> None:
    """Stand in for ``Trainer._load_from_checkpoint``; FSDP's own checkpoints hold the model's own names."""
    target: Any = trainer.model if model is None else model
    if trainer.is_fsdp_enabled or isinstance(target, PeftModel):
        type(trainer)._load_from_checkpoint(trainer, checkpoint, model)
        if isinstance(target, PeftModel):
            _check_adapter(target, Path(checkpoint))
        return
    saved = load_whole(checkpoint, target.dtype)
    state, there = saved.state_dict(), target.state_dict()
    _refuse_differences(checkpoint, there.keys() - state.keys(), state.keys() - there.keys())
    target.load_state_dict(state)


def _check_adapter(model: PeftModel, checkpoint: Path) -> None:
    there = get_peft_model_state_dict(model).keys()
    with safe_open(checkpoint / "adapter_model.safetensors", framework="pt") as file:
        saved = set(file.keys())
    _refuse_differences(str(checkpoint), there - saved, saved - there)


def _refuse_differences(checkpoint: str, missing: set[str], unexpected: set[str]) -> None:
    for names, fault in ((missing, "lacks weights of the model"), (unexpected, "holds weights that the model lacks")):
        if names:
            raise RunError(f"{checkpoint}: {fault}, so it cannot be gone on from: {named(names)}")


def _save_or_say(trainer: Any, model: nn.Module, trial: Any) -> None:
    """Stand in for ``Trainer._save_checkpoint``: torn remains are removed, and the error names the checkpoint."""
    folder = Path(trainer.args.output_dir)
    path = folder / f"{PREFIX}{trainer.state.global_step}"
    try:
        type(trainer)._save_checkpoint(trainer, model, trial)
    except (OSError, SafetensorError, RuntimeError) as error:  # torch.save raises RuntimeError where a disk is full
        if trainer.args.should_save:
            _remove(path)
        kept = latest_checkpoint(folder)
        left = "no checkpoint was saved before" if kept is None else f"the last whole one is {kept.name}"
        raise RunError(f"{path}: cannot be saved: {str(error).splitlines()[0]}; {left}") from error


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
