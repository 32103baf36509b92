"""Runs stages as processes of their own, some side by side, and shows what is done, what runs and how long it took.

Invariant: a stage is begun when all it needs is done; what is done is never done again; a stage that fails stops what
needs it and nothing else, and the command then ends with its error.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from training.runs.stages import Results, Stage

POLL_SECONDS = 0.5


class StageFailed(Exception):
    """Some stages ended with an error; the message names each and its log."""


@dataclass(slots=True)
class _Running:
    stage: Stage
    process: "subprocess.Popen[bytes]"
    started: float = field(default_factory=time.monotonic)


def run(
    stages: Sequence[Stage], results: Results, command: Callable[[Stage], list[str]], workers: int, root: Path
) -> None:
    """Run all stages that are not done. Raises ``StageFailed``; on any way out, no process of it is left."""
    waiting = [stage for stage in stages if results.of(stage.name) is None]
    done = {stage.name for stage in stages} - {stage.name for stage in waiting}
    failed: list[Stage] = []
    running: list[_Running] = []
    with tqdm(total=len(stages), initial=len(done), unit="stage", file=sys.stderr) as bar:
        try:
            while waiting or running:
                for stage in _ready(waiting, done)[: workers - len(running)]:
                    waiting.remove(stage)
                    running.append(_start(stage, results, command, root))
                    bar.set_postfix_str(" ".join(one.stage.name for one in running))
                if not running:
                    break
                time.sleep(POLL_SECONDS)
                for one in [one for one in running if one.process.poll() is not None]:
                    running.remove(one)
                    finished = results.of(one.stage.name) is not None
                    (done.add(one.stage.name) if finished else failed.append(one.stage))
                    bar.update(int(finished))
                    bar.write(_line(one, finished), file=sys.stderr)
        finally:
            for one in running:
                one.process.terminate()
            for one in running:
                one.process.wait()
    if failed:
        raise StageFailed("; ".join(f"{stage.name}: see {results.log(stage.name)}" for stage in failed))


def _ready(waiting: Sequence[Stage], done: set[str]) -> list[Stage]:
    return [stage for stage in waiting if done.issuperset(stage.needs)]


def _start(stage: Stage, results: Results, command: Callable[[Stage], list[str]], root: Path) -> _Running:
    with results.log(stage.name).open("ab") as log:
        return _Running(stage, subprocess.Popen(command(stage), stdout=log, stderr=log, cwd=root))


def _line(one: _Running, finished: bool) -> str:
    seconds = time.monotonic() - one.started
    return f"{one.stage.name}: {'done' if finished else 'FAILED'} after {seconds:.0f} s"
