"""Where a run's metrics also go: trackio in the run's folder by default, or wandb, mlflow, tensorboard, or nowhere.

Invariant: metrics.jsonl is the record; a tracker that is named but not installed is an error, and not a silence.
"""

import hashlib
import math
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Literal, Protocol

from training.runs.files import RunError
from training.runs.folder import RunFolder
from training.runs.trackio_mirror import TrackioMirror

Kind = Literal["trackio", "wandb", "mlflow", "tensorboard", "none"]


class _Mirror(Protocol):
    def log(self, step: int, values: Mapping[str, float]) -> None: ...

    def close(self) -> None: ...


class Tracker:
    """Mirrors metrics; made once the folder has been rewound, by the run's first process only.

    Raises ``RunError`` where ``kind`` names a package that is not installed.
    """

    def __init__(self, kind: Kind, project: str, run_name: str, config: Mapping[str, Any], folder: RunFolder) -> None:
        if kind != "none" and find_spec(kind) is None:
            raise RunError(f"tracking {kind!r} needs the package {kind}, which is not installed; 'none' needs none")
        self._mirror: _Mirror | None = None
        if kind == "trackio":
            self._mirror = TrackioMirror(project, run_name, config, folder)
        elif kind != "none":
            self._mirror = _REMOTE[kind](project, run_name, config, folder)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Mirror one row, less what is not finite. Raises ``RunError`` where trackio's writer has ended."""
        finite = {name: float(value) for name, value in values.items() if math.isfinite(value)}
        if self._mirror is not None and finite:
            self._mirror.log(step, finite)

    def close(self) -> None:
        """Write all and let go; a second call does nothing. Raises ``RunError`` as ``log`` does."""
        mirror, self._mirror = self._mirror, None
        if mirror is not None:
            mirror.close()

    def __enter__(self) -> "Tracker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class _Wandb:
    """Resumed by an id of the folder; steps that it has already are left out by wandb itself."""

    def __init__(self, project: str, run_name: str, config: Mapping[str, Any], folder: RunFolder) -> None:
        run_id = hashlib.sha256(str(folder.path.resolve()).encode()).hexdigest()[:16]
        self._run = import_module("wandb").init(
            project=project, name=run_name, id=run_id, resume="allow", config=dict(config), dir=str(folder.path)
        )

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        self._run.finish()


class _Mlflow:
    """A resumed run is a new run of the same name: mlflow keeps every point of a step."""

    def __init__(self, project: str, run_name: str, config: Mapping[str, Any], folder: RunFolder) -> None:
        self._mlflow = import_module("mlflow")
        self._mlflow.set_experiment(project)
        self._mlflow.start_run(run_name=run_name)
        self._mlflow.log_dict(dict(config), "config.json")

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._mlflow.log_metrics(dict(values), step=step)

    def close(self) -> None:
        self._mlflow.end_run()


class _Tensorboard:
    """Events in the run's folder; those of steps after the last that was kept are purged."""

    def __init__(self, project: str, run_name: str, config: Mapping[str, Any], folder: RunFolder) -> None:
        last_step = max((int(row["step"]) for row in folder.metrics()), default=0)
        writer = import_module("torch.utils.tensorboard").SummaryWriter
        self._writer = writer(log_dir=str(folder.path / "tensorboard"), purge_step=last_step + 1)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


_REMOTE: Mapping[str, type[_Wandb] | type[_Mlflow] | type[_Tensorboard]] = {
    "wandb": _Wandb,
    "mlflow": _Mlflow,
    "tensorboard": _Tensorboard,
}
