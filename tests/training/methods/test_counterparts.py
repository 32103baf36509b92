import dataclasses

import pytest

from training.methods.comparisons import Better, Comparison
from training.methods.counterparts import Counterpart, Counterparts, all_beaten, best_rollout, to_refresh
from training.methods.crpo import CrpoReward, crpo_rewards
from training.methods.pairings import against_counterparts

CACHED = Counterparts("p1", (Counterpart("c1", "one"), Counterpart("c2", "two"), Counterpart("c3", "three")))


def verdicts(won: int) -> tuple[Better | None, ...]:
    """So many dimensions won of four; below 0, all unreadable."""
    return tuple(None if won < 0 else "first" if dimension < won else "second" for dimension in range(4))


def rewarded(wins: dict[tuple[str, str], int], rollouts: int = 5) -> list[CrpoReward]:
    """Every rollout wins on every dimension, but for the pairs named."""
    pairing = against_counterparts([f"g{number}" for number in range(rollouts)], CACHED.labels)
    judged: list[Comparison] = []
    for rollout, others in pairing.items():
        for other in others:
            comparison = Comparison(rollout, other, verdicts(wins.get((rollout, other), 4)))
            judged += [comparison, comparison.swap()]
    return list(crpo_rewards(pairing, judged))


def test_all_are_beaten_at_the_threshold_against_each() -> None:
    # Twenty cells a counterpart: one lost is .95, two lost are .9.
    assert all_beaten(rewarded({}))
    assert all_beaten(rewarded({("g0", "c1"): 3, ("g0", "c2"): 3}))
    assert not all_beaten(rewarded({("g0", "c1"): 2}))
    assert all_beaten(rewarded({("g0", "c1"): 2}), threshold=0.9)


def test_a_counterpart_that_was_hardly_judged_is_not_known_to_be_beaten() -> None:
    assert all_beaten(rewarded({("g0", "c1"): -1, ("g1", "c1"): -1}))
    assert not all_beaten(rewarded({(f"g{number}", "c1"): -1 for number in range(3)}))
    assert not all_beaten(rewarded({(f"g{number}", "c1"): -1 for number in range(5)}))


def test_only_the_most_beaten_is_refreshed_and_only_if_all_are_beaten() -> None:
    close = rewarded({("g0", "c1"): 3, ("g1", "c3"): 3})
    assert to_refresh(CACHED, close) == ("c2",)
    assert to_refresh(CACHED, close, count=2) == ("c2", "c1")
    assert to_refresh(CACHED, rewarded({("g0", "c1"): 0})) == ()
    assert to_refresh(CACHED, rewarded({})) == ("c1",)


def test_the_best_rollout_takes_the_place() -> None:
    group = rewarded({("g0", "c1"): 3, ("g1", "c1"): 3, ("g2", "c3"): 3})
    assert best_rollout(group) == "g3"
    assert best_rollout(group[:2]) == "g0"
    assert best_rollout(rewarded({("g0", other): -1 for other in CACHED.labels})[:1]) is None


def test_a_refresh_is_a_new_value() -> None:
    after = CACHED.refreshed(["c2"], "better")
    assert after.answers_C == (Counterpart("c1", "one"), Counterpart("c2", "better", 1), Counterpart("c3", "three"))
    assert after.labels == CACHED.labels
    assert after.refreshed(["c2"], "best").answers_C[1] == Counterpart("c2", "best", 2)
    assert CACHED.answers_C[1] == Counterpart("c2", "two")
    with pytest.raises(dataclasses.FrozenInstanceError):
        CACHED.prompt_id = "p2"  # type: ignore[misc]


def test_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="'p1' has no counterpart"):
        CACHED.refreshed(["c9"], "answer")
    with pytest.raises(ValueError, match="'p2' needs counterparts"):
        Counterparts("p2", ())
    with pytest.raises(ValueError, match="a label of its own"):
        Counterparts("p2", (Counterpart("c", "one"), Counterpart("c", "two")))
    with pytest.raises(ValueError, match="other counterparts"):
        to_refresh(Counterparts("p2", (Counterpart("c1", "one"),)), rewarded({}))
    with pytest.raises(ValueError, match="no rewards"):
        all_beaten([])
