"""Runs an evaluation's tasks one after the other, each an eval set of inspect's in a folder of its own.

Invariant: a sample is scored once: what is in the logs is taken over, a run that was killed or stopped goes on with the
same command, and the first sample that fails for good stops it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from inspect_ai import Task, eval_set
from inspect_ai.log import EvalLog, list_eval_logs, read_eval_log_sample_summaries
from inspect_ai.model import Model

from training.evaluation.connections import OPEN
from training.evaluation.progress import CURRENT, Progress

LOGS = "logs"
_SHOWN = 300


class Stopped(Exception):
    """A sample failed and the run stopped; all that was scored is kept. The message names sample and reason."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One task and how many samples, epochs included, it has."""

    name: str
    task: Task
    samples: int


def run_tasks(
    planned: Sequence[Planned], folder: Path, model: Model, roles: Mapping[str, Model], *, concurrent: int
) -> None:
    """Run what is not done yet, ``concurrent`` samples at once. Raises ``Stopped``."""
    OPEN.models = (model, *roles.values())
    with _progress(sum(one.samples for one in planned)) as progress:
        for one in planned:
            logs = folder / LOGS / one.name
            progress.begin(one.name)
            progress.done(scored(logs))
            success, headers = eval_set(
                [one.task],
                log_dir=str(logs),
                model=model,
                model_roles=dict(roles),
                retry_attempts=0,
                retry_immediate=False,
                fail_on_error=True,
                max_samples=concurrent,
                max_tasks=1,
                log_buffer=1,
                log_model_api=False,
                ctl_server=False,
                display="none",
                score_display=False,
            )
            if not success:
                raise Stopped(f"{one.name}: {_reason(headers)}")


def newest_log(logs: Path) -> Path | None:
    """Return the newest log of a task's folder, None where there is none."""
    found = list_eval_logs(str(logs)) if logs.is_dir() else []
    return Path(found[0].name.removeprefix("file://")) if found else None


def scored(logs: Path) -> int:
    """Count the samples that the newest log of a task's folder holds without an error."""
    log = newest_log(logs)
    return 0 if log is None else sum(one.error is None for one in read_eval_log_sample_summaries(str(log)))


def _reason(headers: Sequence[EvalLog]) -> str:
    for header in headers:
        for summary in read_eval_log_sample_summaries(header.location):
            if summary.error is not None:
                return f"sample {summary.id}: {_last_line(summary.error)}"
        if header.error is not None:
            return header.error.message
    return "it did not end"


def _last_line(error: str) -> str:
    """What an error ends with: inspect puts the whole request before it."""
    last = error.replace("\\n", "\n").strip().splitlines()[-1]
    return last if len(last) <= _SHOWN else f"{last[:_SHOWN]}..."


@contextmanager
def _progress(total: int) -> Iterator[Progress]:
    CURRENT.bar = Progress(total)
    try:
        yield CURRENT.bar
    finally:
        CURRENT.bar.close()
        CURRENT.bar, OPEN.models = None, ()
