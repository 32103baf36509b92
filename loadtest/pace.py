"""How fast this machine is just now, since CPU time itself stretches where neighbours share the cores.

Invariant: the work is always the same, so that CPU figures of two runs can be set against it.
"""

import json
from time import process_time

_PIECE = {"messages": [{"role": "user", "content": "a headache " * 10, "number": n} for n in range(10)]}
_TIMES = 500


def pace_ms() -> float:
    """CPU milliseconds for the piece of work, a round trip of JSON done 500 times."""
    started = process_time()
    for _ in range(_TIMES):
        json.loads(json.dumps(_PIECE))
    return (process_time() - started) * 1000
