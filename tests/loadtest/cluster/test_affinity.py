"""Hits, losses and splits, counted by hand."""

import pytest

from loadtest.cluster.affinity import Life, Served, affinity, shares_over_time

A, B, A2 = Life("a", 1), Life("b", 1), Life("a", 2)


def calls(life: Life, request_id: str, count: int = 2) -> list[Served]:
    return [Served(life, request_id, 100, 60)] * count


def test_a_conversation_that_stays_is_all_hits_and_its_first_turn_does_not_count() -> None:
    served = [*calls(A, "alive.0.0"), *calls(A, "alive.0.1"), *calls(A, "alive.0.2", 3), *calls(B, "alive.1.0")]
    started = {"alive.0.0": 0.0, "alive.0.1": 1.0, "alive.0.2": 2.0, "alive.1.0": 0.0}
    found = affinity(served, {}, started)
    assert (found.calls, found.hits, found.lost, found.back, found.turns, found.split_turns) == (5, 5, 0, 0, 2, 0)
    assert found.hit_rate == found.hit_rate_of_possible == 1.0
    assert found.cached_share == pytest.approx(0.6)


def test_a_conversation_that_goes_to_and_fro_misses_and_comes_back() -> None:
    served = [*calls(A, "alive.0.0"), *calls(B, "alive.0.1"), *calls(A, "alive.0.2")]
    found = affinity(served, {}, {"alive.0.1": 1.0, "alive.0.2": 2.0})
    assert (found.calls, found.hits, found.back, found.hit_rate) == (4, 0, 2, 0.0)


def test_an_engine_that_died_loses_its_conversations_once() -> None:
    served = [*calls(A, "alive.0.0"), *calls(B, "alive.0.1"), *calls(B, "alive.0.2"), *calls(A2, "alive.0.3")]
    started = {"alive.0.1": 5.0, "alive.0.2": 6.0, "alive.0.3": 7.0}
    found = affinity(served, {A: 4.0}, started)
    assert (found.calls, found.hits, found.lost, found.back) == (6, 2, 2, 0)
    assert found.hit_rate_of_possible == 0.5


def test_a_turn_that_the_death_cut_in_two_lost_what_came_after_it() -> None:
    served = [*calls(A, "alive.0.0"), *calls(A, "alive.0.1", 3), *calls(B, "alive.0.1", 1)]
    found = affinity(served, {A: 4.0}, {"alive.0.1": 4.5})
    assert (found.calls, found.hits, found.lost, found.hit_rate_of_possible) == (4, 3, 1, 1.0)


def test_a_turn_before_the_death_is_no_loss() -> None:
    served = [*calls(A, "alive.0.0"), *calls(B, "alive.0.1")]
    assert affinity(served, {A: 4.0}, {"alive.0.1": 3.0}).lost == 0


def test_a_turn_of_several_engines_is_split_and_the_next_belongs_where_most_of_it_was() -> None:
    served = [
        *calls(A, "alive.0.0"),
        *calls(A, "alive.0.1", 1),
        *calls(B, "alive.0.1", 2),
        *calls(B, "alive.0.2"),
    ]
    found = affinity(served, {}, {"alive.0.1": 1.0, "alive.0.2": 2.0})
    assert (found.calls, found.hits, found.split_turns) == (5, 3, 1)


def test_only_turns_of_the_stretch_count() -> None:
    served = [*calls(A, "alive.0.0"), *calls(A, "alive.0.1"), *calls(B, "alive.0.2")]
    assert affinity(served, {}, {"alive.0.2": 2.0}).calls == 2


def test_shares_are_of_the_calls_of_each_stretch() -> None:
    served = [*calls(A, "alive.0.0", 3), *calls(B, "alive.1.0", 1), *calls(A2, "alive.0.1", 2)]
    started = {"alive.0.0": 1.0, "alive.1.0": 9.0, "alive.0.1": 25.0}
    assert shares_over_time(served, started, 10.0) == {"a": [0.75, 0.0, 1.0], "b": [0.25, 0.0, 0.0]}
    assert shares_over_time([], {}, 10.0) == {}
