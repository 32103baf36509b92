"""Which answers are compared: each rollout with every counterpart (CRPO), or with every other rollout of its group.

Source: CRPO, arXiv 2601.07344; within the group, Pref-GRPO, arXiv 2508.20751. A fixed pool shows absolute progress and
saturates, a group never does and shows none. Both orders: G x C x 2 presentations, or G x (G - 1).
"""

from collections.abc import Mapping, Sequence

from training.methods.comparisons import Pair

Pairing = Mapping[str, tuple[str, ...]]


def against_counterparts(rollouts_G: Sequence[str], counterparts_C: Sequence[str]) -> Pairing:
    """Pair every rollout with every counterpart. Labels must all differ, else ``ValueError``."""
    _check([*rollouts_G, *counterparts_C])
    if not counterparts_C:
        raise ValueError("no counterparts to compare with")
    return {rollout: tuple(counterparts_C) for rollout in rollouts_G}


def within_group(rollouts_G: Sequence[str]) -> Pairing:
    """Pair every rollout with every other. Raises ``ValueError`` for fewer than two, or labels that repeat."""
    _check(rollouts_G)
    if len(rollouts_G) < 2:
        raise ValueError("a group of fewer than two has no comparisons within")
    return {rollout: tuple(other for other in rollouts_G if other != rollout) for rollout in rollouts_G}


def presentations(pairing: Pairing) -> tuple[Pair, ...]:
    """Return what a judge is to be shown: each pair in both orders, once, though both of its answers may be paired."""
    asked = ((rollout, other) for rollout, others in pairing.items() for other in others)
    return tuple(dict.fromkeys(shown for a, b in asked for shown in ((a, b), (b, a))))


def _check(labels: Sequence[str]) -> None:
    if len(set(labels)) != len(labels):
        raise ValueError("answers with the same label")
