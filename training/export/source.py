"""A finished run as the export sees it: the model or adapter it left, what it was made with, and its last figures.

Invariant: a run that has not finished is refused.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.export.headers import CheckpointError

ADAPTER = "adapter_config.json"


@dataclass(frozen=True, slots=True)
class Source:
    """``model`` is the folder of the weights; ``base`` what it is an adapter of, None for a whole model."""

    model: Path
    base: Path | None
    config: dict[str, Any] = field(default_factory=dict)
    revision: str | None = None
    packages: dict[str, str] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)


def read_source(run: Path, base: Path | None = None) -> Source:
    """Read the run's folder. ``base`` overrides the folder that an adapter names. Raises ``CheckpointError``."""
    made_with = _object(run / "config.json")
    config = made_with.get("config", made_with)
    if "config" in made_with and not (run / "finished.json").is_file():
        raise CheckpointError(f"{run}: the run has not finished (no finished.json)")
    model = run / "model"
    if not ((model / "config.json").is_file() or (model / ADAPTER).is_file()):
        raise CheckpointError(f"{model}: holds neither a model (config.json) nor an adapter ({ADAPTER})")
    return Source(
        model=model,
        base=_base(model, base) if (model / ADAPTER).is_file() else None,
        config=config,
        revision=made_with.get("revision"),
        packages=made_with.get("packages", {}),
        figures=_object(run / "finished.json") if (run / "finished.json").is_file() else {},
    )


def base_of(source: Source, given: Path | None) -> Path:
    """Return the folder whose tensors the exported ones must match: the base, else the run's own model.

    The base is the one given, the adapter's, or what the run started from where that is a folder here.
    """
    started_from = source.config.get("model")
    if given is not None:
        return given
    if source.base is not None:
        return source.base
    if isinstance(started_from, str) and any(Path(started_from).glob("*.safetensors")):
        return Path(started_from)
    return source.model


def _base(model: Path, given: Path | None) -> Path:
    named = given or Path(str(_object(model / ADAPTER).get("base_model_name_or_path")))
    if not (named / "config.json").is_file():
        raise CheckpointError(f"{model}: an adapter of {named}, which is no folder here; name its folder with --base")
    return named


def _object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise CheckpointError(f"{path}: not JSON: {error}") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: no JSON object")
    return value
