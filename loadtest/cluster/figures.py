"""From what was seen to figures, phase by phase.

Invariant: pure functions of a run; what engines do not tell is None, and no figure is made up for it.
"""

from collections import Counter
from itertools import pairwise
from math import inf
from typing import Any

from loadtest.cluster.affinity import affinity, shares_over_time
from loadtest.cluster.conversations import conversation_of
from loadtest.cluster.drive import ANSWERED
from loadtest.cluster.look import cached_share, moves
from loadtest.cluster.phases import Phase, Run
from loadtest.quantiles import percentile
from loadtest.stats import share

_EVERY_SECONDS = 10.0


def figures(run: Run) -> dict[str, Any]:
    """All phases, and each engine's share of the calls over time."""
    served = [one for entries in run.served.values() for one in entries]
    started = {turn.request_id: turn.started for turn in run.turns}
    ends = {phase.name: later.start for phase, later in pairwise(run.phases)}
    return {
        "phases": {phase.name: _figures(run, phase, ends.get(phase.name, inf)) for phase in run.phases},
        "every_seconds": _EVERY_SECONDS,
        "shares_of_calls": shares_over_time(served, started, _EVERY_SECONDS),
        "balancer": dict(run.connections),
    }


def _figures(run: Run, phase: Phase, until: float) -> dict[str, Any]:
    """The figures of the turns that ended from the phase's start to ``until``, where the next one starts."""
    ends = {turn.request_id: turn.started + turn.seconds for turn in run.turns}
    turns = [turn for turn in run.turns if phase.start <= ends[turn.request_id] < until]
    answered = [turn for turn in turns if turn.end == ANSWERED]
    later = [turn for turn in answered if conversation_of(turn.request_id)[1]]
    seconds = [turn.seconds for turn in answered]
    return {
        "start_seconds": phase.start,
        "end_seconds": phase.end,
        "turns": len(turns),
        "errors": dict(Counter(turn.end for turn in turns if turn.end != ANSWERED)),
        "outcomes": dict(Counter(turn.outcome or "none" for turn in answered)),
        "seconds_p50": percentile(seconds, 0.5),
        "seconds_p99": percentile(seconds, 0.99),
        "cached_share_of_engines": cached_share(phase.before, phase.after),
        "cached_share_of_usage": share(
            sum(turn.cached_tokens for turn in later), sum(turn.prompt_tokens for turn in later)
        ),
        "moves": moves(phase.before, phase.after),
        "unanswered_looks": [*phase.before.missing, *phase.after.missing],
        "affinity": _affinity(run, {turn.request_id: ends[turn.request_id] for turn in turns}),
    }


def _affinity(run: Run, ends: dict[str, float]) -> dict[str, Any] | None:
    if not run.served:
        return None
    found = affinity((one for entries in run.served.values() for one in entries), run.ended_at, ends)
    return {
        "calls": found.calls,
        "hit_rate": found.hit_rate,
        "hit_rate_of_possible": found.hit_rate_of_possible,
        "lost_calls": found.lost,
        "back_calls": found.back,
        "turns": found.turns,
        "split_turns": found.split_turns,
        "cached_share": found.cached_share,
    }
