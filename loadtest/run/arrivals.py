"""When requests arrive, in seconds from a stage's start.

Invariant: an open loop: arrivals depend on the profile and the chance alone, never on what became of earlier requests.
"""

import json
import math
import random
from pathlib import Path

from loadtest.profile import ProfileError
from loadtest.run.profile import Arrivals, Burst, Constant, Poisson, Trace


def offsets(arrivals: Arrivals, rate: float, seconds: float, chance: random.Random) -> list[float]:
    """Ascending offsets below ``seconds``; ``rate`` is the profile's. Raises ``ProfileError`` for a faulty trace."""
    match arrivals:
        case Constant(load=load):
            return [number / (rate * load) for number in range(math.ceil(seconds * rate * load))]
        case Poisson(load=load):
            return _poisson(rate * load, seconds, chance)
        case Burst(load=load, size=size):
            return [moment for moment in _poisson(rate * load / size, seconds, chance) for _ in range(size)]
        case Trace(path=path, speed=speed):
            replayed = [offset / speed for offset in read_trace(path)]
            return [offset for offset in replayed if offset < seconds]


def read_trace(path: Path) -> list[float]:
    """The offsets of a trace, ascending from the first arrival on. Raises ``ProfileError``."""
    found: list[float] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror}") from error
    for number, line in enumerate(lines, start=1):
        try:
            offset = float(json.loads(line)["offset_seconds"])
        except (ValueError, KeyError, TypeError) as error:
            raise ProfileError(f"{path.name}:{number}: needs offset_seconds") from error
        if not 0 <= offset < math.inf:
            raise ProfileError(f"{path.name}:{number}: an offset is a number from 0")
        found.append(offset)
    if not found:
        raise ProfileError(f"{path}: no arrivals")
    return sorted(found)


def _poisson(rate: float, seconds: float, chance: random.Random) -> list[float]:
    found: list[float] = []
    offset = chance.expovariate(rate)
    while offset < seconds:
        found.append(offset)
        offset += chance.expovariate(rate)
    return found
