"""Writes a model's weights as safetensors of one data type, from a whole model or from a base and its adapter.

Invariant: a whole model is cast file by file and keeps its names; a merged one has its base's, experts one by one.
"""

import json
from pathlib import Path

import torch
from peft import PeftModel
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from training.export.headers import INDEX, CheckpointError

SHARD = "5GB"


def write_cast(source: Path, out: Path, dtype: str) -> None:
    """Cast every file of ``source`` to ``dtype``, one in memory at a time. Raises ``CheckpointError``."""
    files = sorted(source.glob("*.safetensors"))
    sizes = [_cast_file(path, out / path.name, getattr(torch, dtype)) for path in files]
    if len(files) > 1:
        weight_map = {name: path.name for path, names in zip(files, sizes, strict=True) for name in names}
        total = sum(size for names in sizes for size in names.values())
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        (out / INDEX).write_text(json.dumps(index, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    write_config(source / "config.json", out, dtype)


def write_merged(base: Path, adapter: Path, out: Path, dtype: str) -> None:
    """Merge a LoRA adapter into its base and write the whole model. Raises ``CheckpointError``.

    The base is loaded whole, in ``dtype``: two bytes a parameter for bfloat16.
    """
    try:
        model = AutoModelForCausalLM.from_pretrained(base, dtype=getattr(torch, dtype), local_files_only=True)
        merged = PeftModel.from_pretrained(model, str(adapter), local_files_only=True).merge_and_unload(safe_merge=True)
        merged.to(getattr(torch, dtype)).save_pretrained(out, max_shard_size=SHARD)
    except (SafetensorError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{adapter} cannot be merged into {base}: {error}") from error
    write_config(out / "config.json", out, dtype)


def write_config(source: Path, out: Path, dtype: str) -> None:
    """Write config.json with the data type that the weights have now. Raises ``CheckpointError``."""
    config = json.loads(source.read_text(encoding="utf-8"))
    if "quantization_config" in config:
        raise CheckpointError(f"{source}: the model is quantised already; export the one it was made from")
    config.pop("torch_dtype", None)
    config["dtype"] = dtype
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _cast_file(path: Path, out: Path, dtype: torch.dtype) -> dict[str, int]:
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name).to(dtype).contiguous() for name in file.keys()}  # noqa: SIM118
        save_file(tensors, out, metadata={"format": "pt"})
    except SafetensorError as error:
        raise CheckpointError(f"{path} cannot be written as {out}: {error}") from error
    return {name: tensor.nbytes for name, tensor in tensors.items()}
