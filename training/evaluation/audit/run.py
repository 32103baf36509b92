"""Runs an audit's task into a folder of inspect logs, and reads it back.

Invariant: a verdict is asked once: what is in the logs is taken over, and a run that was stopped goes on.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from inspect_ai import Task, eval_set
from inspect_ai.log import EvalLog, list_eval_logs
from inspect_ai.model import Model

from training.evaluation.rows import Row, read_rows


class AuditStopped(Exception):
    """A question could not be put, and the run stopped; all verdicts so far are kept. The message says why."""


def run_audit(task: Task, logs: Path, roles: Mapping[str, Model], *, concurrent: int) -> list[Row]:
    """Ask what has not been asked yet, ``concurrent`` items at once, and return all rows in the task's order.

    ``logs`` is a folder of this very task. Raises ``AuditStopped``.
    """
    success, headers = eval_set(
        [task],
        log_dir=str(logs),
        model=roles["grader"],
        model_roles=dict(roles),
        retry_attempts=0,
        retry_immediate=False,
        fail_on_error=True,
        max_samples=concurrent,
        max_tasks=1,
        log_model_api=False,
        ctl_server=False,
        display="none",
        score_display=False,
    )
    if not success:
        raise AuditStopped(next(_reasons(headers), "it did not end"))
    return list(read_rows(newest_log(logs)))


def newest_log(logs: Path) -> Path:
    """Return the newest log of a folder. Raises ``AuditStopped`` where there is none."""
    found = list_eval_logs(str(logs))
    if not found:
        raise AuditStopped(f"{logs} holds no log")
    return Path(found[0].name.removeprefix("file://"))


def _reasons(headers: list[EvalLog]) -> Iterator[str]:
    return (header.error.message for header in headers if header.error is not None)
