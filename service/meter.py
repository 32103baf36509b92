"""What one request costs, in tokens, as the engine tells of it.

Invariant: every token that the engine tells of is charged at once; where the engine tells nothing of a request that it
worked for, an estimate is, when the request ends.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from models.engine import Usage

# English in the tokenizers of today's models; only what the engine does not count is estimated.
BYTES_PER_TOKEN = 4


@dataclass(slots=True)
class Meter:
    """What one request has cost; ``charge`` hears of it in tokens. ``pieces`` of its answer were seen, one a token."""

    charge: Callable[[int], None] | None = None
    pieces: int = 0
    reported_tokens: int = 0
    estimated_tokens: int = 0

    def spend(self, usage: Usage) -> None:
        """Charge a call as the engine counts it: prompt tokens that it had not cached, and completion tokens."""
        tokens = usage.prompt_tokens - usage.cached_tokens + usage.completion_tokens
        self.reported_tokens += tokens
        self._charge(tokens)

    def close(self, body_bytes: int, *, left: bool) -> None:
        """Charge an estimate where the engine has told nothing, though it wrote something or its client ``left``."""
        if not self.reported_tokens and (self.pieces or left):
            self.estimated_tokens = math.ceil(body_bytes / BYTES_PER_TOKEN) + self.pieces
            self._charge(self.estimated_tokens)

    def _charge(self, tokens: int) -> None:
        if self.charge is not None:
            self.charge(tokens)
