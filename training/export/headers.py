"""Reads what safetensors files hold without their weights: names, data types and shapes. Needs no torch.

Source of the format: safetensors' README, section Format: length of the header in 8 bytes, then JSON, then the data.
"""

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path

_LENGTH_BYTES = 8
_MOST_HEADER_BYTES = 100_000_000
INDEX = "model.safetensors.index.json"


class CheckpointError(Exception):
    """A folder is not the checkpoint that it has to be; the message names the folder and every fault found."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a checkpoint; ``dtype`` in the format's own words: F32, BF16, F16, F8_E4M3."""

    dtype: str
    shape: tuple[int, ...]
    file: str

    @property
    def size(self) -> int:
        """The number of its elements."""
        return prod(self.shape)


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """Return all tensors of a folder by name. Raises ``CheckpointError``."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise CheckpointError(f"{folder}: no safetensors file")
    found: dict[str, Tensor] = {}
    for path in files:
        for name, tensor in _header(path).items():
            if name in found:
                raise CheckpointError(f"{folder}: {name} is in {found[name].file} and in {path.name}")
            found[name] = tensor
    return found


def _header(path: Path) -> dict[str, Tensor]:
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            if length > min(_MOST_HEADER_BYTES, path.stat().st_size):
                raise CheckpointError(f"{path}: no safetensors file: a header of {length} bytes")
            rows = json.loads(file.read(length))
            end = max((row["data_offsets"][1] for name, row in rows.items() if name != "__metadata__"), default=0)
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path}: no safetensors file: {error!r}") from error
    if path.stat().st_size != _LENGTH_BYTES + length + end:
        raise CheckpointError(f"{path}: cut short, or longer than its header says")
    return {
        name: Tensor(str(row["dtype"]), tuple(row["shape"]), path.name)
        for name, row in rows.items()
        if name != "__metadata__"
    }
