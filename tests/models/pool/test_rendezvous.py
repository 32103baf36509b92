from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.pool.rendezvous import ranked

KEYS = [number.to_bytes(4, "big") for number in range(2000)]
IDENTITIES = st.lists(st.text(min_size=1, max_size=20), min_size=2, max_size=6, unique=True)
WEIGHTS = st.floats(min_value=0.01, max_value=1.0)


def firsts(weights: dict[str, float]) -> Counter[str]:
    return Counter(ranked(key, weights)[0] for key in KEYS)


@given(st.binary(max_size=16), IDENTITIES, st.data())
def test_a_replica_that_leaves_moves_nobody_elses_keys(key: bytes, names: list[str], data: st.DataObject) -> None:
    weights = {name: data.draw(WEIGHTS) for name in names}
    order = ranked(key, weights)
    left = {name: weight for name, weight in weights.items() if name != names[0]}
    assert ranked(key, left) == [name for name in order if name != names[0]]


@given(st.binary(max_size=16), IDENTITIES, st.data())
def test_weight_only_draws_keys_to_its_replica(key: bytes, names: list[str], data: st.DataObject) -> None:
    weights = {name: data.draw(WEIGHTS) for name in names}
    before = ranked(key, weights)
    after = ranked(key, weights | {names[0]: weights[names[0]] + 0.5})
    assert after.index(names[0]) <= before.index(names[0])
    assert [name for name in after if name != names[0]] == [name for name in before if name != names[0]]


@given(st.binary(max_size=16), IDENTITIES)
def test_the_order_in_which_replicas_are_named_is_of_no_account(key: bytes, names: list[str]) -> None:
    assert ranked(key, dict.fromkeys(names, 1.0)) == ranked(key, dict.fromkeys(reversed(names), 1.0))


@pytest.mark.parametrize("replicas", [2, 3, 5, 8])
def test_one_nth_of_the_keys_moves_when_a_replica_leaves(replicas: int) -> None:
    weights = {f"http://engine-{number}:8001": 1.0 for number in range(replicas)}
    left = dict.fromkeys(list(weights)[1:], 1.0)
    moved = sum(ranked(key, weights)[0] != ranked(key, left)[0] for key in KEYS)
    assert moved / len(KEYS) == pytest.approx(1 / replicas, abs=0.04)


@pytest.mark.parametrize("weight", [0.05, 0.25, 0.5, 1.0])
def test_a_share_of_the_keys_is_the_share_of_the_weight(weight: float) -> None:
    found = firsts({"back": weight, "a": 1.0, "b": 1.0})
    assert found["back"] / len(KEYS) == pytest.approx(weight / (weight + 2), abs=0.03)
