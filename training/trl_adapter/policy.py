"""Owns the model that is trained: its tokenizer, how it is loaded and adapted, and how a checkpoint becomes servable.

Invariant: a LoRA target that the model does not have is an error, and what is served is never half written.
"""

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel
from transformers import (
    AutoConfig,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from training.runs.folder import RunError
from training.trl_adapter.checkpoints import replace_folder
from training.trl_adapter.settings import Lora, Recipe
from training.trl_adapter.weights import load_whole

ADAPTER = "adapter_config.json"
ROUTERS = frozenset({"gate", "router"})


def load_tokenizer(model: str) -> PreTrainedTokenizerBase:
    """Load the tokenizer of ``model``, a folder or a hub's name; one without a padding token pads with its end token.

    Raises ``RunError`` naming the model where it cannot be loaded, has no chat template, or nothing to pad with.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(model, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise RunError(f"{model}: no tokenizer can be loaded: {error}") from error
    if tokenizer.chat_template is None:
        raise RunError(f"{model}: its tokenizer has no chat template, so conversations cannot be written out")
    if tokenizer.pad_token is None:
        if tokenizer.eos_token is None:
            raise RunError(f"{model}: its tokenizer has neither a padding token nor an end token")
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_policy(model: str, recipe: Recipe) -> PreTrainedModel:
    """Load the model to train, a folder or a hub's name. Raises ``RunError``.

    Its weights are bfloat16 only where they are frozen under LoRA and ``bf16`` is asked for. Weights that are trained
    stay float32 (with ``bf16``, autocast computes in bfloat16): a step of 1e-6 vanishes in bfloat16's 8 bits.
    """
    frozen = recipe.lora is not None
    return load_whole(model, torch.bfloat16 if recipe.bf16 and frozen else torch.float32)


def load_served(folder: Path) -> PreTrainedModel:
    """Load what ``save_for_serving`` wrote, in its own precision, to evaluate it. Raises ``RunError``."""
    model = load_whole(str(folder), "auto")
    return model.to("cuda" if torch.cuda.is_available() else "cpu").eval()


def peft_config(lora: Lora | None, model: PreTrainedModel) -> LoraConfig | None:
    """Translate ``lora`` for ``model``; None for training all weights.

    ``expert_parameters`` become ``target_parameters``: experts are 3-D parameters, which no module's name reaches.
    Raises ``RunError`` for a name that matches nothing, a router, or a parameter of other than three dimensions.
    """
    if lora is None:
        return None
    modules, parameters = dict(model.named_modules()), dict(model.named_parameters())
    for target in lora.modules:
        for name in _matching(target, modules, "module"):
            if name.rpartition(".")[2] in ROUTERS:
                raise RunError(f"lora.modules: {target!r} is a router ({name}), which is never adapted")
            if not isinstance(modules[name], torch.nn.Linear):
                raise RunError(f"lora.modules: {target!r} is no linear layer ({name})")
    for target in lora.expert_parameters:
        for name in _matching(target, parameters, "parameter"):
            if parameters[name].ndim != 3:
                raise RunError(f"lora.expert_parameters: {target!r} is no 3-D parameter of experts ({name})")
    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=0.0,
        bias="none",
        task_type="CAUSAL_LM",
        target_modules=list(lora.modules),
        target_parameters=list(lora.expert_parameters) or None,
    )


def save_for_serving(checkpoint: Path, recipe: Recipe, folder: Path) -> None:
    """Write the model of a trainer's checkpoint as vLLM loads it: LoRA merged, bfloat16 with ``bf16``, else float32.

    Configuration, tokenizer and generation settings are those of ``recipe.model``, not what a trainer made of them.
    ``folder`` takes its place only when it is whole. It reads the checkpoint anew, on the CPU: one process suffices.
    Raises ``RunError``.
    """
    dtype = torch.bfloat16 if recipe.bf16 else torch.float32
    if (checkpoint / ADAPTER).is_file():
        adapted = PeftModel.from_pretrained(load_whole(recipe.model, dtype), str(checkpoint))
        model = adapted.merge_and_unload(safe_merge=True)
    else:
        model = load_whole(
            str(checkpoint), dtype, config=AutoConfig.from_pretrained(recipe.model, trust_remote_code=False)
        )
    tokenizer = load_tokenizer(recipe.model)
    model.generation_config = _generation_config(recipe.model, model, tokenizer)
    with replace_folder(folder) as partial:
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)


def _matching(target: str, there: dict[str, Any], kind: str) -> list[str]:
    """Return the names that PEFT takes ``target`` for. Raises ``RunError`` where there is none."""
    names = [name for name in there if name == target or name.endswith(f".{target}")]
    if not names:
        raise RunError(f"lora: no {kind} of the model is named {target!r}, so nothing would be adapted by it")
    return names


def _generation_config(source: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> GenerationConfig:
    """Return the source's settings; generation also ends at the tokenizer's end token."""
    try:
        settings = GenerationConfig.from_pretrained(source)
    except OSError:
        settings = model.generation_config
    ends = settings.eos_token_id
    ends = [] if ends is None else [ends] if isinstance(ends, int) else list(ends)
    if tokenizer.eos_token_id is not None and tokenizer.eos_token_id not in ends:
        ends.append(tokenizer.eos_token_id)
    settings.eos_token_id = ends[0] if len(ends) == 1 else ends or None
    settings.pad_token_id = tokenizer.pad_token_id
    return settings
