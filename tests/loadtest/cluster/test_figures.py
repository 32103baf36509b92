"""Figures of a run that is written down by hand."""

import pytest

from loadtest.cluster.affinity import Life, Served
from loadtest.cluster.drive import ANSWERED, CUT_OFF, Turn
from loadtest.cluster.figures import figures
from loadtest.cluster.look import Look, cached_share, moves
from loadtest.cluster.phases import Phase, Run

A, B, A2 = Life("a", 1), Life("b", 1), Life("a", 2)
FIRST = Look({A: 100.0, B: 50.0}, {A: 40.0, B: 10.0}, {"down": 1.0, "load": 0.0}, [])
SECOND = Look({A2: 60.0, B: 150.0}, {A2: 30.0, B: 70.0}, {"down": 4.0, "load": 0.0}, ["e9"])


def test_an_engine_that_was_started_anew_counts_from_nothing() -> None:
    assert cached_share(FIRST, SECOND) == pytest.approx((30 + 60) / (60 + 100))


def test_an_engine_that_is_gone_counts_no_more() -> None:
    assert cached_share(FIRST, Look({B: 150.0}, {B: 70.0}, {}, [])) == pytest.approx(0.6)


def test_moves_are_those_between_two_looks() -> None:
    assert moves(FIRST, SECOND) == {"down": 3}


def test_turns_belong_to_the_phase_in_which_they_ended() -> None:
    run = Run(
        phases=[Phase("alive", 0.0, 10.0, FIRST, FIRST), Phase("killed", 10.0, 20.0, FIRST, SECOND)],
        turns=[
            Turn("alive.0.0", 1.0, 0.5, ANSWERED, "accepted", 100, 0),
            Turn("alive.0.1", 8.0, 1.0, ANSWERED, "revised", 200, 100),
            Turn("alive.0.2", 12.0, 1.0, ANSWERED, "accepted", 200, 50),
            Turn("alive.1.0", 13.0, 1.0, CUT_OFF),
        ],
        served={
            A: [Served(A, "alive.0.0", 100, 0), Served(A, "alive.0.1", 200, 100)],
            B: [Served(B, "alive.0.2", 200, 50)],
        },
        ended_at={A: 10.0},
    )
    found = figures(run)["phases"]
    alive, killed = found["alive"], found["killed"]
    assert (alive["turns"], alive["affinity"]["hit_rate"], alive["cached_share_of_usage"]) == (2, 1.0, 0.5)
    assert (killed["turns"], killed["errors"], killed["affinity"]["lost_calls"]) == (2, {"cut_off": 1}, 1)
    assert killed["affinity"]["hit_rate"] == 0.0
    assert killed["affinity"]["hit_rate_of_possible"] is None
    assert killed["outcomes"] == {"accepted": 1}
    assert killed["unanswered_looks"] == ["e9"]


def test_a_turn_under_way_when_its_engine_dies_is_of_the_phase_of_the_death() -> None:
    run = Run(
        phases=[Phase("alive", 0.0, 10.0, FIRST, FIRST), Phase("killed", 10.0, 20.0, FIRST, SECOND)],
        turns=[
            Turn("alive.0.0", 1.0, 0.5, ANSWERED, "accepted", 100, 0),
            Turn("alive.0.1", 9.5, 1.0, ANSWERED, "accepted", 200, 100),
            Turn("alive.1.0", 19.5, 1.0, ANSWERED, "accepted", 100, 0),
        ],
        served={
            A: [Served(A, "alive.0.0", 100, 0), Served(A, "alive.0.1", 200, 100)],
            B: [Served(B, "alive.0.1", 200, 0), Served(B, "alive.1.0", 100, 0)],
        },
        ended_at={A: 10.001},
    )
    found = figures(run)["phases"]
    assert (found["alive"]["turns"], found["alive"]["affinity"]["calls"]) == (1, 0)
    assert (found["killed"]["turns"], found["killed"]["affinity"]["lost_calls"]) == (2, 1)
    assert found["killed"]["affinity"]["hit_rate_of_possible"] == 1.0


def test_without_a_ledger_there_is_no_affinity() -> None:
    run = Run(phases=[Phase("alive", 0.0, 10.0, FIRST, FIRST)])
    assert figures(run)["phases"]["alive"]["affinity"] is None
