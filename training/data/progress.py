"""Owns the progress line of a long check: rows, share of the file, rate and time left, once a second.

Invariant: nothing is shown for a file that is done within the first seconds.
"""

import time
from typing import TextIO

FIRST_AFTER_SECONDS = 2.0
EVERY_SECONDS = 1.0
LOOK_EVERY_ROWS = 64


class Progress:
    """Writes to a terminal on one line, and line by line to anything else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._began = time.monotonic()
        self._next = self._began + FIRST_AFTER_SECONDS
        self._end = "\r" if stream.isatty() else "\n"
        self._shown = False

    def show(self, rows: int, share: float) -> None:
        """Show how far it is, where it is time; ``share`` is from 0 to 1."""
        if rows % LOOK_EVERY_ROWS:
            return
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY_SECONDS
        took = now - self._began
        left = f", {took * (1 - share) / share:.0f} s left" if share else ""
        self._stream.write(f"{rows} rows, {share:.0%}, {rows / took:.0f} rows/s{left}   {self._end}")
        self._stream.flush()
        self._shown = True

    def end(self) -> None:
        """Leave the line."""
        if self._shown and self._end == "\r":
            self._stream.write("\n")
