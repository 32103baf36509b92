from dataclasses import replace

import pytest

from loadtest.capacity.plans import Plan, Shape
from loadtest.capacity.search import Found, Search, greatest_held, replicas
from loadtest.capacity.simulate import Replica, Slo, simulate
from loadtest.standin.speed import SPEEDS

H100 = SPEEDS["qwen3-30b-a3b-h100"]
SHORT = Shape(question_tokens=100, draft_tokens=60, rubric_turn_tokens=100, rubric_tokens=20)


def replica(plan: Plan) -> Replica:
    return Replica(H100, H100.limits, SHORT, plan)


@pytest.mark.parametrize("greatest", [0.01, 0.3, 1.0, 7.7, 1000.0])
def test_the_search_comes_within_its_precision(greatest: float) -> None:
    found = greatest_held(lambda rate: rate <= greatest)
    assert found.held <= greatest < found.refused
    assert found.refused - found.held <= 0.02 * found.refused


def test_nothing_is_held_where_nothing_is() -> None:
    assert greatest_held(lambda rate: False).held == 0.0


def test_replicas_are_counted_up_with_headroom() -> None:
    assert replicas(10.0, 2.5, 1.0) == 4
    assert replicas(10.0, 2.5, 0.8) == 5
    assert replicas(10.1, 2.5, 0.8) == 6
    assert replicas(10.0, 0.0, 0.8) is None


def test_a_looser_slo_never_gives_a_lower_rate() -> None:
    rates = [
        Search(replica(Plan.GUIDED), Slo(seconds, seconds), 20.0, seed=0).run().held for seconds in (1.0, 1.5, 3.0, 6.0)
    ]
    assert rates == sorted(rates)
    assert rates[0] < rates[-1]


def test_more_work_means_fewer_requests() -> None:
    found: dict[Plan, Found] = {}
    for plan in Plan:
        search = Search(replica(plan), Slo(4.0, 4.0), 20.0, seed=0)
        found[plan] = search.run()
        at = search.at(found[plan])
        assert at is not None
        late = at.e2e(0.95)
        assert late is not None
        assert late <= 4.0
    assert found[Plan.DRAFT_ONLY].held > found[Plan.GATED].held > found[Plan.GUIDED].held > 0


def test_a_lone_draft_takes_what_its_steps_take() -> None:
    run = simulate(replica(Plan.DRAFT_ONLY), 0.001, 1.0, Slo(), seed=0)
    one = min(times.e2e for times in run.times if times.e2e is not None)
    assert run.held
    assert 0.006 + 29 * H100.decode_seconds(1) < one < 0.006 + 35 * H100.decode_seconds(1) + 0.1
    assert run.mean_batch == pytest.approx(1.0)
    assert run.mean_in_flight() == pytest.approx(0.001 * (0.006 + 60 * H100.decode_seconds(1)), rel=0.1)


def test_simulating_again_gives_the_same() -> None:
    assert simulate(replica(Plan.GUIDED), 5.0, 10.0, Slo(), 1) == simulate(replica(Plan.GUIDED), 5.0, 10.0, Slo(), 1)


def test_finishing_steps_that_go_first_make_guided_answers_faster_where_requests_queue() -> None:
    few, never = replace(H100.limits, max_num_seqs=8), Slo(1000.0, 1000.0, 0.01)
    medians = []
    for priorities in (True, False):
        loaded = Replica(H100, few, SHORT, Plan.GUIDED, priorities)
        medians.append(simulate(loaded, 4.0, 20.0, never, seed=0).e2e(0.5))
    first, behind = medians
    assert first is not None
    assert behind is not None
    assert first < 0.9 * behind
