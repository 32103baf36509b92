"""Supervised training from scratch on tree-packed rows, over one or more processes, resumable to the same result.

Invariant: the state after step n depends on configuration and rows alone, however often the run was stopped before n.
"""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from transformers import PreTrainedTokenizerFast, Qwen3MoeForCausalLM

from training.scratch.batch import batches_by_length, collate
from training.scratch.model import RouterBalance, build_model, load_weights, task_losses
from training.scratch.muon import Muon
from training.scratch.settings import SftConfig
from training.scratch.tree import TASKS, Row


@dataclass(frozen=True, slots=True)
class Progress:
    """What one logging interval saw: mean loss and accuracy per task, tokens per second over all processes."""

    step: int
    seconds: float
    tokens: int
    tokens_per_second: float
    loss: dict[str, float]
    accuracy: dict[str, float]


class Optimisers:
    """Muon for the layers' matrices, AdamW for embeddings, norms and routers, one schedule for both."""

    def __init__(self, model: Qwen3MoeForCausalLM, config: SftConfig) -> None:
        matrices = [p for name, p in model.model.layers.named_parameters() if p.ndim >= 2 and "gate.weight" not in name]
        chosen = {id(p) for p in matrices} if config.muon_learning_rate else set()
        others = [p for p in model.parameters() if id(p) not in chosen]
        self._config = config
        adam = torch.optim.AdamW(
            others, lr=config.learning_rate, betas=(0.9, 0.95), weight_decay=config.weight_decay, fused=True
        )
        self.parts: list[torch.optim.Optimizer] = [adam]
        self._peaks = [config.learning_rate]
        if chosen:
            self.parts.append(Muon(matrices, lr=config.muon_learning_rate, weight_decay=config.weight_decay))
            self._peaks.append(config.muon_learning_rate)

    def step(self, step: int) -> None:
        """Take one step at the schedule's rate: linear warm-up, then cosine to a twentieth."""
        factor = schedule(step, self._config.warmup_steps, self._config.steps)
        for optimiser, peak in zip(self.parts, self._peaks, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = peak * factor
            optimiser.step()
            optimiser.zero_grad(set_to_none=False)


def schedule(step: int, warmup: int, total: int, floor: float = 0.05) -> float:
    """Return the learning rate's factor at ``step`` (from 0)."""
    if step < warmup:
        return (step + 1) / warmup
    progress = (step - warmup) / max(1, total - warmup)
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


class SftRun:
    """One process of a run: its model, optimisers, place in the data, and its checkpoints in ``folder``."""

    def __init__(
        self, config: SftConfig, rows: Sequence[Row], tokenizer: PreTrainedTokenizerFast, folder: Path
    ) -> None:
        self._config, self._rows, self._folder = config, rows, folder
        self._pad = int(tokenizer.pad_token_id)
        self.model = build_model(config.model, tokenizer, config.seed)
        if config.start_from is not None:
            load_weights(self.model, config.start_from / "model")
        self.model.train()
        self._balance = RouterBalance(self.model)
        self._optimisers = Optimisers(self.model, config)
        self._weights = torch.tensor(config.weights())
        self._rank = dist.get_rank() if dist.is_initialized() else 0
        self._world = dist.get_world_size() if dist.is_initialized() else 1
        self.step = 0
        self._resume()

    def run(self, until: int | None = None) -> None:
        """Train to the configured number of steps, or to ``until``."""
        config = self._config
        last = min(config.steps, until or config.steps)
        totals, tokens, started = torch.zeros(3, len(TASKS)), 0, time.monotonic()
        while self.step < last:
            sums, seen = self._train_step()
            totals += sums
            tokens += seen
            self.step += 1
            if self.step % config.log_every_steps == 0 and self._rank == 0:
                self._log(totals, tokens, time.monotonic() - started)
                totals, tokens, started = torch.zeros(3, len(TASKS)), 0, time.monotonic()
            if self.step % config.checkpoint_every_steps == 0 or self.step == config.steps:
                self._save()

    def _train_step(self) -> tuple[torch.Tensor, int]:
        mine = self._config.rows_per_step // self._world
        numbers = self._batch_numbers()[self._rank * mine : (self._rank + 1) * mine]
        batch = collate([self._rows[number] for number in numbers], self._pad)
        loss, right, count = task_losses(self.model, batch)
        present = (count > 0).float() * self._weights
        objective = (present * loss / count.clamp(min=1)).sum() / self._weights.sum()
        (objective + self._config.router_loss_weight * self._balance.loss()).backward()
        self._share_gradients()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._optimisers.step(self.step)
        seen = sum(len(self._rows[number].ids_L) for number in numbers)
        return torch.stack([loss.detach(), right, count]), seen

    def _batch_numbers(self) -> list[int]:
        per_epoch = len(self._rows) // self._config.rows_per_step
        epoch, place = divmod(self.step, per_epoch)
        if getattr(self, "_epoch", None) != epoch:
            self._epoch = epoch
            self._order = batches_by_length(self._rows, self._config.rows_per_step, self._config.seed + epoch)
        numbers = self._order[place]
        return [number for rank in range(self._world) for number in numbers[rank :: self._world]]

    def _share_gradients(self) -> None:
        if self._world == 1:
            return
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self._world
        offset = 0
        for gradient in gradients:
            gradient.copy_(flat[offset : offset + gradient.numel()].view_as(gradient))
            offset += gradient.numel()

    def _log(self, totals: torch.Tensor, tokens: int, seconds: float) -> None:
        loss, right, count = totals
        named = [(task, i) for i, task in enumerate(TASKS) if count[i] > 0]
        progress = Progress(
            self.step,
            round(seconds, 1),
            tokens * self._world,
            round(tokens * self._world / seconds, 1),
            {task: round(float(loss[i] / count[i]), 4) for task, i in named},
            {task: round(float(right[i] / count[i]), 4) for task, i in named},
        )
        row = {name: getattr(progress, name) for name in Progress.__dataclass_fields__}
        with (self._folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def _save(self) -> None:
        if self._rank == 0:
            state = {
                "step": self.step,
                "model": self.model.state_dict(),
                "optimisers": [part.state_dict() for part in self._optimisers.parts],
            }
            temporary = self._folder / "checkpoint.tmp"
            torch.save(state, temporary)
            temporary.replace(self._folder / "checkpoint.pt")

    def _resume(self) -> None:
        path = self._folder / "checkpoint.pt"
        if not path.is_file():
            return
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        for part, saved in zip(self._optimisers.parts, state["optimisers"], strict=True):
            part.load_state_dict(saved)
        self.step = int(state["step"])
