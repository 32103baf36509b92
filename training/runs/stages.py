"""Owns the stages of a longer run: their names, what each needs, and where its result lies.

Invariant: a stage has a result file or it is not done; a result is written whole, after all else of the stage.
"""

import fcntl
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from training.export.stopping import stopping_on_sigterm
from training.runs.files import RunError, replace_whole


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage, named ``kind`` or ``kind:of`` or ``kind:of:seed``; ``needs`` are the stages that come before it."""

    name: str
    needs: tuple[str, ...]

    @property
    def kind(self) -> str:
        """What is done."""
        return self.name.split(":")[0]

    @property
    def subject(self) -> str:
        """The arm or checkpoint that it is done with, and the seed."""
        return self.name.partition(":")[2]


class Results:
    """The results of a reproduction's stages, one file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "stages"

    def of(self, stage: str) -> dict[str, Any] | None:
        """Return a stage's figures, or None where it is not done."""
        path = self._path(stage)
        found: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        return found

    def put(self, stage: str, figures: dict[str, Any]) -> None:
        """Say that a stage is done. Raises ``RunError`` where it cannot be written."""
        self._folder.mkdir(parents=True, exist_ok=True)
        replace_whole(self._path(stage), [json.dumps(figures).encode()])

    @contextmanager
    def alone(self, stage: str) -> Iterator[None]:
        """Hold a stage to one process, for two would write over each other. Raises ``RunError`` where one is at it."""
        with self.log(stage).with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunError(f"{stage}: another process is at it; wait for it or end it") from error
            yield

    def log(self, stage: str) -> Path:
        """Return where the stage's output goes."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._path(stage).with_suffix(".log")

    def _path(self, stage: str) -> Path:
        return self._folder / f"{stage.replace(':', '-')}.json"


def do_one(stages: Sequence[Stage], name: str, folder: Path, do: Callable[[Stage], dict[str, Any]]) -> None:
    """Do one stage as a process of the schedule, and put down its figures and seconds. Raises what ``do`` raises."""
    stage = next(stage for stage in stages if stage.name == name)
    results, started = Results(folder), time.monotonic()
    with stopping_on_sigterm(), results.alone(name):
        figures = do(stage)
        results.put(name, {"seconds": round(time.monotonic() - started, 1), "figures": figures})


def check_same(config: BaseModel, folder: Path, what: str) -> None:
    """Keep the configuration in the run's folder. Raises ``RunError`` where that holds ``what`` with another one."""
    folder.mkdir(parents=True, exist_ok=True)
    path, text = folder / "config.json", json.dumps(config.model_dump(mode="json"), indent=1)
    if path.is_file() and path.read_text(encoding="utf-8") != text:
        raise RunError(f"{folder} holds {what} with another configuration; name another folder or remove it")
    replace_whole(path, [text.encode()])
