"""Did conversations stay where their prefixes are: from which engine served which call, as the engines tell it.

Invariant: pure functions. An engine that was started anew is another engine here, since its prefixes are gone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from loadtest.cluster.conversations import conversation_of
from loadtest.stats import share


class Life(NamedTuple):
    """An engine by name, from one start to its end."""

    engine: str
    number: int


@dataclass(frozen=True, slots=True)
class Served:
    """One call that an engine served for a request of ours."""

    life: Life
    request_id: str
    prompt_tokens: int
    cached_tokens: int


@dataclass(frozen=True, slots=True)
class Affinity:
    """Calls of second and later turns. A hit went to the engine that had served most of the turn before.

    ``lost`` calls went elsewhere since that engine ended before their turn did. ``back`` went to an engine that had
    served an earlier turn of the conversation, though not the last one. ``split_turns`` had calls at several engines.
    """

    calls: int
    hits: int
    lost: int
    back: int
    turns: int
    split_turns: int
    prompt_tokens: int
    cached_tokens: int

    @property
    def hit_rate(self) -> float | None:
        """Hits of all calls."""
        return share(self.hits, self.calls)

    @property
    def hit_rate_of_possible(self) -> float | None:
        """Hits of those calls whose conversation's engine was still there."""
        return share(self.hits, self.calls - self.lost)

    @property
    def cached_share(self) -> float | None:
        """Prompt tokens that were cached."""
        return share(self.cached_tokens, self.prompt_tokens)


def affinity(served: Iterable[Served], ended_at: Mapping[Life, float], ends: Mapping[str, float]) -> Affinity:
    """The affinity of the turns in ``ends``, by request id and the moment at which each ended.

    ``served`` is of the whole run, since what came before a stretch decides where its turns belong; ``ended_at`` is
    when a life ended.
    """
    conversations: dict[str, dict[int, list[Served]]] = defaultdict(lambda: defaultdict(list))
    for one in served:
        identity, turn = conversation_of(one.request_id)
        conversations[identity][turn].append(one)
    tally: Counter[str] = Counter()
    for turns in conversations.values():
        for earlier, turn in _later(turns):
            calls = turns[turn]
            end = ends.get(calls[0].request_id)
            if end is not None:
                tally.update(_counted(calls, [_home(turns[number]) for number in earlier], ended_at, end))
    return Affinity(**{name: tally[name] for name in Affinity.__dataclass_fields__})


def shares_over_time(
    served: Iterable[Served], started: Mapping[str, float], every_seconds: float
) -> dict[str, list[float]]:
    """Each engine's share of the calls, by the stretch of so many seconds in which their turns began."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for one in served:
        if one.request_id in started:
            counts[int(started[one.request_id] // every_seconds)][one.life.engine] += 1
    names = sorted({name for counter in counts.values() for name in counter})
    places = range(min(counts), max(counts) + 1) if counts else ()
    return {name: [counts[place][name] / max(1, counts[place].total()) for place in places] for name in names}


def _later(turns: Mapping[int, Sequence[Served]]) -> Iterable[tuple[list[int], int]]:
    numbers = sorted(turns)
    return [(numbers[:place], turn) for place, turn in enumerate(numbers) if place]


def _home(calls: Sequence[Served]) -> Life:
    """The engine that served most of a turn; of several the last one."""
    counts = Counter(call.life for call in calls)
    return max(reversed(calls), key=lambda call: counts[call.life]).life


def _counted(
    calls: Sequence[Served], homes: Sequence[Life], ended_at: Mapping[Life, float], end: float
) -> Mapping[str, int]:
    home = homes[-1]
    hits = sum(call.life == home for call in calls)
    gone = ended_at.get(home, float("inf")) <= end
    return {
        "calls": len(calls),
        "hits": hits,
        "lost": len(calls) - hits if gone else 0,
        "back": 0 if gone else sum(call.life != home and call.life in homes for call in calls),
        "turns": 1,
        "split_turns": len({call.life for call in calls}) > 1,
        "prompt_tokens": sum(call.prompt_tokens for call in calls),
        "cached_tokens": sum(call.cached_tokens for call in calls),
    }
