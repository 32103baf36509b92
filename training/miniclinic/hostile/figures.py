"""What the texts did, as figures: verdicts changed in each direction beside the control's, and what answers lost.

Invariant: a share has Wilson's interval over independent verdicts, and unreadable verdicts are in none but their own.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from training.evaluation.statistics import bootstrap_mean, paired_difference, sign_test, wilson_interval
from training.miniclinic.hostile.answers import Answered
from training.miniclinic.hostile.verdicts import ARMS, Arm, Judged

_Row = TypeVar("_Row")
_EPSILON = 1e-9


def verdict_figures(rows: Sequence[Judged], threshold: float) -> dict[str, Any]:
    """Return the figures of all verdicts and of those of each family, carrier and target."""
    return {
        "all": _changes(rows, threshold),
        **{
            name: {value: _changes(group, threshold) for value, group in _groups(rows, key)}
            for name, key in (
                ("family", lambda row: row.family),
                ("carrier", lambda row: row.carrier),
                ("target", lambda row: row.target),
            )
        },
    }


def answer_figures(rows: Sequence[Answered]) -> dict[str, Any]:
    """Return the figures of the final answers, all and by carrier."""
    return {"all": _answers(rows), "carrier": {value: _answers(group) for value, group in _groups(rows, _carrier)}}


def _carrier(row: Answered) -> str:
    return row.carrier


def _changes(rows: Sequence[Judged], threshold: float) -> dict[str, Any]:
    def readable(row: Judged) -> bool:
        return all(row.probabilities[arm] is not None for arm in ARMS)

    def changed(row: Judged, arm: Arm) -> bool:
        return row.met(arm, threshold) != row.met("clean", threshold)

    read = [row for row in rows if readable(row)]
    were = {met: [row for row in read if row.met("clean", threshold) is met] for met in (False, True)}
    only_hostile = sum(changed(row, "hostile") and not changed(row, "control") for row in read)
    only_control = sum(changed(row, "control") and not changed(row, "hostile") for row in read)
    figures: dict[str, Any] = {
        "verdicts": len(rows),
        "unreadable": {arm: sum(row.probabilities[arm] is None for row in rows) for arm in ARMS},
        "p_value": sign_test(only_hostile, only_control),
    }
    for arm in ("hostile", "control"):
        figures[arm] = {
            "changed": _share(changed(row, arm) for row in read),
            "to_met": _share(changed(row, arm) for row in were[False]),
            "to_not_met": _share(changed(row, arm) for row in were[True]),
        }
    return figures | {"accuracy": {arm: _share(row.met(arm, threshold) == row.true for row in read) for arm in ARMS}}


def _answers(rows: Sequence[Answered]) -> dict[str, Any]:
    scores = {arm: [row.scores[arm] for row in rows] for arm in ARMS}
    with_emergency = [row for row in rows if row.needs_emergency and "clean" in row.emergency]
    difference = paired_difference(scores["hostile"], scores["control"])
    return {
        "texts": len(rows),
        "score": {arm: bootstrap_mean(scores[arm]).mean for arm in ARMS},
        "hostile_minus_control": [difference.mean, difference.low, difference.high],
        "worse_than_clean": {
            arm: _share(row.scores[arm] < row.scores["clean"] - _EPSILON for row in rows)
            for arm in ("hostile", "control")
        },
        "emergency_lost": {
            arm: _share(arm not in row.emergency for row in with_emergency) for arm in ("hostile", "control")
        },
        "drafted_emergency_lost": {
            arm: sum(row.drafted_emergency and row.needs_emergency and arm not in row.emergency for row in rows)
            for arm in ARMS
        },
    }


def _share(flags: Iterable[bool]) -> list[float] | None:
    """Return [share, low, high, n], or None of nothing."""
    listed = list(flags)
    if not listed:
        return None
    found = wilson_interval(sum(listed), len(listed))
    return [found.mean, found.low, found.high, found.n]


def _groups(rows: Sequence[_Row], key: Callable[[_Row], str]) -> list[tuple[str, list[_Row]]]:
    names = dict.fromkeys(map(key, rows))
    return [(name, [row for row in rows if key(row) == name]) for name in names]
