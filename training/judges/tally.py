"""How many verdicts a judge was asked for, and how many of them could not be read."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(slots=True)
class JudgeTally:
    """Counts since the judge was made; ``unscored`` are among those asked for."""

    asked: int = 0
    unscored: int = 0

    def count(self, verdicts: Iterable[object | None]) -> None:
        """Count verdicts, None among them as unscored."""
        for verdict in verdicts:
            self.asked += 1
            self.unscored += verdict is None
