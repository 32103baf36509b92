"""A tiny Qwen3-MoE with the bundled tokenizer, and run folders around it, for the tests of the export."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM

from models.registry import REPOSITORY

BUNDLED = REPOSITORY / "models" / "bundled"
BESIDE = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json")
NOTICE = "A toy. Never use it for patients."
EXPERTS = ("mlp.experts.gate_up_proj", "mlp.experts.down_proj")


def write_model(folder: Path, dtype: torch.dtype = torch.float32, *, hidden: int = 64, seed: int = 0) -> Path:
    """Every side of every weight is a multiple of ``hidden``."""
    torch.manual_seed(seed)
    config = Qwen3MoeConfig(
        vocab_size=2560, hidden_size=hidden, num_attention_heads=2, num_key_value_heads=1, head_dim=hidden,
        num_hidden_layers=2, intermediate_size=hidden, moe_intermediate_size=hidden, num_experts=4,
        num_experts_per_tok=2, norm_topk_prob=True, decoder_sparse_step=1, mlp_only_layers=[],
        max_position_embeddings=256, tie_word_embeddings=False, bos_token_id=None, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    Qwen3MoeForCausalLM(config).to(dtype).save_pretrained(folder)
    for name in BESIDE:
        shutil.copy(BUNDLED / name, folder / name)
    return folder


def write_run(folder: Path, base: Path, **config: Any) -> Path:
    """A finished run that left the base as its model."""
    shutil.copytree(base, folder / "model")
    return finish(folder, {"type": "sft", "seed": 7, "model": str(base), **config})


def write_lora_run(folder: Path, base: Path) -> Path:
    """A finished run that left an adapter of attention and experts which is not the identity."""
    model = Qwen3MoeForCausalLM.from_pretrained(base)
    lora = LoraConfig(
        r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"], target_parameters=list(EXPERTS), lora_dropout=0.0
    )
    adapted = get_peft_model(model, lora)
    torch.manual_seed(1)
    for name, parameter in adapted.named_parameters():
        if "lora_" in name:
            parameter.data = torch.randn_like(parameter) * 0.05
    adapted.save_pretrained(folder / "model")
    return finish(folder, {"type": "grpo", "seed": 7, "model": str(base)})


def finish(folder: Path, config: dict[str, Any]) -> Path:
    made_with = {"config": config, "revision": "0123abcd", "seed": 7, "packages": {"torch": "2.13.0"}}
    (folder / "config.json").write_text(json.dumps(made_with), encoding="utf-8")
    (folder / "finished.json").write_text(json.dumps({"reward": 0.75, "step": 3}), encoding="utf-8")
    return folder
