"""What a folder must be before an engine may be started on it: complete, of one data type, and free of pickles.

Invariant: every fault is named in one error, so that one look is enough.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from training.export.headers import INDEX, CheckpointError, Tensor, read_tensors

DTYPES = {"bfloat16": "BF16", "float16": "F16", "float32": "F32"}
PICKLES = frozenset({".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt"})
NEEDED = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json")
_NAMED = 3


def check_checkpoint(folder: Path, expected: Mapping[str, Tensor], dtype: str) -> dict[str, Tensor]:
    """Return the tensors of a complete checkpoint.

    ``expected`` are the base's: the same names and shapes must be here, all of ``dtype`` (a key of ``DTYPES``). Raises
    ``CheckpointError`` with every fault.
    """
    tensors = read_tensors(folder)
    faults = [*_tensor_faults(tensors, expected, DTYPES[dtype]), *file_faults(folder, tensors)]
    if faults:
        raise CheckpointError(f"{folder}: {'; '.join(faults)}")
    return tensors


def file_faults(folder: Path, tensors: Mapping[str, Tensor]) -> Iterator[str]:
    """Name what is wrong with the files beside the weights."""
    pickles = sorted(path.name for path in folder.rglob("*") if path.suffix in PICKLES)
    if pickles:
        yield f"holds {', '.join(pickles)}, which may run code when read"
    absent = [name for name in NEEDED if not (folder / name).is_file()]
    if absent:
        yield f"lacks {', '.join(absent)}"
    elif not _has_chat_template(folder):
        yield "has no chat template, neither chat_template.jinja nor in tokenizer_config.json"
    if (folder / INDEX).is_file():
        listed = json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"]
        if listed != {name: tensor.file for name, tensor in tensors.items()}:
            yield f"{INDEX} does not list what the files hold"
    elif len({tensor.file for tensor in tensors.values()}) > 1:
        yield f"lacks {INDEX}"


def _tensor_faults(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], dtype: str) -> Iterator[str]:
    for what, names in (("lacks", expected.keys() - tensors), ("has superfluous", tensors.keys() - expected)):
        if names:
            yield f"{what} {_named(names)}"
    reshaped = {name for name in tensors.keys() & expected if tensors[name].shape != expected[name].shape}
    if reshaped:
        yield f"has other shapes than the base in {_named(reshaped)}"
    others = {name for name, tensor in tensors.items() if tensor.dtype != dtype}
    if others:
        yield f"is not {dtype} in {_named(others)}"


def _has_chat_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file():
        return True
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    return bool(settings.get("chat_template"))


def _named(names: set[str]) -> str:
    first = sorted(names)[:_NAMED]
    rest = len(names) - len(first)
    return ", ".join(first) + (f" and {rest} more" if rest else "")
