"""What the tests of supervised training share: a tiny mixture of experts, chats, recipes, and a run that is killed."""

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM

from models.registry import REPOSITORY
from training.trl_adapter import sft
from training.trl_adapter.callbacks import FolderCallback
from training.trl_adapter.policy import load_tokenizer
from training.trl_adapter.settings import Lora, SftRecipe

BUNDLED = REPOSITORY / "models" / "bundled"
EXPERTS = ("mlp.experts.gate_up_proj", "mlp.experts.down_proj")
LORA = Lora(rank=2, alpha=4, expert_parameters=EXPERTS)


def write_tiny(folder: Path) -> Path:
    """Write a mixture of experts with random weights of its own and the bundled tokenizer."""
    tokenizer = load_tokenizer(str(BUNDLED))
    torch.manual_seed(7)
    config = Qwen3MoeConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        num_hidden_layers=2,
        intermediate_size=64,
        moe_intermediate_size=32,
        num_experts=4,
        num_experts_per_tok=2,
        norm_topk_prob=True,
        decoder_sparse_step=1,
        mlp_only_layers=[],
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = Qwen3MoeForCausalLM(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def chat(number: int, words: int = 3) -> dict[str, Any]:
    answer = " ".join(f"{number * word}" for word in range(1, words + 1))
    return {
        "id": f"chat-{number}",
        "messages": [
            {"role": "user", "content": f"Count in steps of {number}."},
            {"role": "assistant", "content": answer},
        ],
    }


def write_lines(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def recipe_for(model: Path, data: Path, **changes: Any) -> SftRecipe:
    values: dict[str, Any] = {
        "type": "sft",
        "seed": 3,
        "model": str(model),
        "data": data,
        "steps": 6,
        "learning_rate": 0.01,
        "schedule": "linear",
        "rows_per_device": 2,
        "checkpoint_every_steps": 3,
        "log_every_steps": 2,
        "max_tokens": 64,
        "router_loss_weight": 0.01,
        "tracking": "none",
    }
    return SftRecipe.model_validate(values | changes)


def weights(model: Path) -> dict[str, torch.Tensor]:
    return dict(load_file(model / "model.safetensors"))


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(tensor, second[name]) for name, tensor in first.items())


class Interrupted(Exception):
    """Ends a run from inside."""


class Stop(FolderCallback):
    """Ends the run within the step after ``after`` steps: gradients are there, and the weights not yet changed."""

    after = 4
    kill = False

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == self.after:
            if self.kill:
                os.kill(os.getpid(), signal.SIGKILL)
            raise Interrupted


if __name__ == "__main__":
    torch.set_num_threads(1)
    Stop.kill = True
    vars(sft)["FolderCallback"] = Stop
    sft.train_sft(SftRecipe.model_validate_json(sys.argv[1]), Path(sys.argv[2]))
