"""From a finished run to a folder that vLLM loads and the gateway knows: weights, tokenizer, card, manifest.

Invariant: the folder is checked against the base before it gets its name.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.registry import ModelEntry
from training.export.card import CARD, Subject, card, parameters
from training.export.checkpoint import check_checkpoint
from training.export.headers import CheckpointError, Tensor, read_tensors
from training.export.manifest import write_manifest
from training.export.new_folder import new_folder
from training.export.source import Source, base_of, read_source
from training.export.weights import write_cast, write_merged

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)
GENERATION = "generation_config.json"
# A model this small can only be a toy, and has to say what it is not for.
_TOY_PARAMETERS = 100_000_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to export: the served name, its registry entry, the data type (``bfloat16``, ``float16``, ``float32``).

    ``base`` is the folder whose tensors must be found again, by default the adapter's base, or what it started from.
    """

    name: str
    entry: ModelEntry
    dtype: str = "bfloat16"
    base: Path | None = None


def export_run(run: Path, out: Path, wanted: Wanted) -> dict[str, Tensor]:
    """Write ``out`` from a finished run and return its tensors. Raises ``CheckpointError``, and leaves no ``out``."""
    source = read_source(run, wanted.base)
    base = base_of(source, wanted.base)
    with new_folder(out) as folder:
        if source.base is None:
            write_cast(source.model, folder, wanted.dtype)
        else:
            write_merged(source.base, source.model, folder, wanted.dtype)
        _copy_tokenizer(source.model, base, folder)
        _write_generation(source.model, base, folder)
        tensors = check_checkpoint(folder, read_tensors(base), wanted.dtype)
        if parameters(tensors) < _TOY_PARAMETERS and not wanted.entry.notice:
            raise CheckpointError(f"{run}: a model this small is a toy: give a notice of what it must not be used for")
        (folder / CARD).write_text(card(_subject(wanted, source, folder, tensors)), encoding="utf-8")
        write_manifest(folder)
    return tensors


def _subject(wanted: Wanted, source: Source, folder: Path, tensors: dict[str, Tensor]) -> Subject:
    config = _object(folder / "config.json")
    return Subject(wanted.name, wanted.entry, source, config, tensors, wanted.dtype)


def _copy_tokenizer(model: Path, base: Path, folder: Path) -> None:
    """All of it from one place: the run's own model where it has one, else the base."""
    place = model if (model / "tokenizer.json").is_file() else base
    for name in TOKENIZER_FILES:
        if (place / name).is_file():
            shutil.copyfile(place / name, folder / name)


def _write_generation(model: Path, base: Path, folder: Path) -> None:
    """The run's own generation settings, else the base's; they must say where an answer ends."""
    found = next((place / GENERATION for place in (model, base) if (place / GENERATION).is_file()), None)
    if found is None:
        raise CheckpointError(f"{model}: no {GENERATION}, neither here nor in {base}")
    if _object(found).get("eos_token_id") is None:
        raise CheckpointError(f"{found}: no eos_token_id, so that no answer would end")
    shutil.copyfile(found, folder / GENERATION)


def _object(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value
