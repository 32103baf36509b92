"""Owns showing progress: a bar for each step on the error stream, so that the output stays clean.

Invariant: where the stream is no terminal, nothing is drawn until a step ends.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Bars:
    """Bars of the steps, drawn while it is open."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description:<22}"), BarColumn(), MofNCompleteColumn())
        times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
        self._progress = Progress(*columns, *times, console=Console(stderr=True))

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def step(self, name: str, total: int) -> Callable[[int], None]:
        """Begin a step; the function returned is given how much of the total is done."""
        task = self._progress.add_task(name, total=total)

        def tell(done: int) -> None:
            self._progress.update(task, completed=done)

        return tell
