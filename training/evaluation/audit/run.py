"""Puts an audit's questions to its judges: what an earlier run of the same folder was told is not asked again.

Invariant: rows come back for every label; a judge that cannot be reached leaves the folder to be gone on with.
"""

from collections.abc import Mapping
from pathlib import Path

from inspect_ai import Task
from inspect_ai.model import Model

from training.evaluation.rows import Row, read_rows
from training.evaluation.run import LOGS, Planned, newest_log, run_tasks


def run_audit(task: Task, folder: Path, roles: Mapping[str, Model], *, concurrent: int) -> list[Row]:
    """Ask what has not been asked yet, ``concurrent`` items at once, and return all rows in the task's order.

    ``folder`` is of this very task. Raises ``Stopped``.
    """
    run_tasks([Planned(task.name, task, len(task.dataset))], folder, roles["grader"], roles, concurrent=concurrent)
    log = newest_log(folder / LOGS / task.name)
    assert log is not None
    return list(read_rows(log))
