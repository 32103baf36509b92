from dataclasses import replace

import pytest

from loadtest.trial.idle import Idle, difference, left_behind

QUIET = Idle(6, 19, 0, 2, 0, 0, 0, 0, 0, 0, 400.0)


def test_nothing_is_left_where_all_is_as_before_whatever_the_memory() -> None:
    after = replace(QUIET, resident_mib=450.04)
    assert left_behind(QUIET, after) == []
    assert difference(QUIET, after) == {**dict.fromkeys(QUIET.as_json(), 0.0), "resident_mib": 50.0}


def test_what_is_fewer_is_told_and_not_left() -> None:
    after = replace(QUIET, engine_connections=1, descriptors=18)
    assert left_behind(QUIET, after) == []
    assert difference(QUIET, after)["engine_connections"] == -1


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("tasks", "3 more tasks"),
        ("descriptors", "3 more descriptors"),
        ("client_connections", "3 more client connections"),
        ("engine_connections", "3 more engine connections"),
        ("in_flight", "3 more in flight"),
        ("engine_calls", "3 more engine calls"),
    ],
)
def test_what_is_left_is_named(field: str, told: str) -> None:
    before = QUIET.as_json()
    after = replace(QUIET, **{field: before[field] + 3})
    assert left_behind(QUIET, after) == [told]


def test_busy_is_whatever_is_under_way() -> None:
    assert not QUIET.busy
    assert replace(QUIET, open_engine_calls=1).busy
    assert replace(QUIET, queued=1).busy
