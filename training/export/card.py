"""The model card: what a checkpoint is, from which configuration and source it was made, what was measured, its limits.

Invariant: it says only what the run's folder and the checkpoint say; no path outside the working directory is shown.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.registry import ModelEntry
from training.export.headers import Tensor
from training.export.source import Source

CARD = "README.md"
_DATA = ("data", "held_out", "counterparts")
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Subject:
    """What the card is about: the served name and its registry entry, the run, and the checkpoint's own files."""

    name: str
    entry: ModelEntry
    source: Source
    config: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    dtype: str


def card(subject: Subject) -> str:
    """Return the card as Markdown."""
    notice = f"\n**{subject.entry.notice}**\n" if subject.entry.notice else ""
    rows = "".join(f"| {name} | {value} |\n" for name, value in _facts(subject))
    return (
        f"# {subject.name}\n{notice}\n| | |\n|---|---|\n{rows}"
        f"\n## How it was made\n\nThe run's whole configuration:\n\n```json\n{_config(subject.source.config)}\n```\n"
        f"\n## Figures of the run\n\n{_figures(subject.source.figures)}"
        f"\n## Limits\n\n{_limits(subject.entry)}"
    )


def parameters(tensors: Mapping[str, Tensor]) -> int:
    """Return the number of parameters."""
    return sum(tensor.size for tensor in tensors.values())


def _facts(subject: Subject) -> Iterator[tuple[str, str]]:
    made = subject.source.config
    yield "shape", _shape(subject.config)
    yield "weights", f"{parameters(subject.tensors):,} parameters, {len(subject.tensors)} tensors, {subject.dtype}"
    yield "prompt set", f"`{subject.entry.prompts}`; a criterion is met from {subject.entry.verdict_threshold} on"
    yield "method", str(made.get("type", "supervised, from scratch"))
    yield "trained from", _started_from(subject.source)
    for key in _DATA:
        if made.get(key):
            yield key.replace("_", " "), _rows(Path(made[key]))
    yield "source revision", f"`{subject.source.revision or 'not recorded'}`"
    yield "seed", str(made.get("seed", "not recorded"))
    if subject.source.packages:
        yield "packages", ", ".join(f"{name} {version}" for name, version in subject.source.packages.items())


def _shape(config: Mapping[str, Any]) -> str:
    parts = [
        f"{config.get('model_type')}, hidden {config.get('hidden_size')}, {config.get('num_hidden_layers')} layers",
        f"{config.get('num_attention_heads')} heads / {config.get('num_key_value_heads')} key-value",
    ]
    experts = config.get("num_experts") or config.get("num_local_experts")
    if experts:
        parts.append(f"{experts} experts of {config.get('moe_intermediate_size')}")
        parts.append(f"{config.get('num_experts_per_tok')} at a time")
    return ", ".join([*parts, f"vocabulary {config.get('vocab_size')}"])


def _started_from(source: Source) -> str:
    named = source.config.get("model")
    started = named if isinstance(named, str) else source.config.get("start_from")
    merged = "; a LoRA adapter, merged" if source.base is not None or source.config.get("lora") else ""
    return f"`{_shown(str(started))}`{merged}" if started else "random weights"


def _rows(path: Path) -> str:
    if not path.is_file():
        return f"`{_shown(str(path))}`, not there any more when this was written"
    count = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            count += block.count(b"\n")
    return f"`{_shown(str(path))}`, {count:,} rows" if path.suffix == ".jsonl" else f"`{_shown(str(path))}`"


def _config(config: Mapping[str, Any]) -> str:
    return json.dumps(_without_places(config), indent=1, ensure_ascii=False)


def _without_places(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_places(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_places(inner) for inner in value]
    return _shown(value) if isinstance(value, str) else value


def _shown(text: str) -> str:
    """A path from the working directory on; of one elsewhere the last part only."""
    path = Path(text)
    if not path.is_absolute():
        return text
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else path.name


def _figures(figures: Mapping[str, Any]) -> str:
    if not figures:
        return "The run recorded none.\n"
    rows = "".join(f"| {name} | {json.dumps(value, ensure_ascii=False)} |\n" for name, value in figures.items())
    heading = "As its trainer wrote them at the end; not measured through the gateway."
    return f"{heading}\n\n| figure | value |\n|---|---|\n{rows}"


def _limits(entry: ModelEntry) -> str:
    return (
        "Scores and verdicts behind these figures were given by programs: no review by physicians is recorded for\n"
        f"this checkpoint. It was made for the prompt set `{entry.prompts}`; with another one its verdicts need a\n"
        "threshold of their own. What it answers outside the kind of data named above has not been measured.\n"
    )
