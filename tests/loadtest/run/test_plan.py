from collections import Counter

import pytest

from loadtest.run.plan import plan
from tests.loadtest.run.rows import QUESTIONS, profile

MIX = [
    {"kind": "accepted", "weight": 3, "prompt_words": [10, 50], "reasoning": True},
    {"kind": "revised", "weight": 1, "stream": False},
    {"kind": "passthrough", "weight": 1, "max_tokens": 7},
    {"kind": "guided", "weight": 1, "prompt_words": [5, 5]},
]


def test_targets_get_the_same_requests_interleaved() -> None:
    planned = plan(profile(mix=MIX), 2, QUESTIONS)
    first, second = ([one for one in planned if one.target == target] for target in (0, 1))
    assert [one.offset for one in first] == list(range(10))
    assert [one.offset for one in second] == [number + 0.5 for number in range(10)]
    assert [(one.number, one.mix, one.prompt_words) for one in first] == [
        (one.number, one.mix, one.prompt_words) for one in second
    ]
    assert [one.target for one in planned] == [0, 1] * 10


def test_shares_are_those_of_the_profile() -> None:
    stages = [{"name": "one", "seconds": 4000.0, "arrivals": {"type": "constant"}}]
    wanted = profile(
        mix=MIX,
        stages=stages,
        leaving={"share": 0.3, "after": "first_byte", "seconds": [1.0, 3.0]},
        slow_readers={"share": 0.1, "bytes_per_second": 500},
    )
    planned = plan(wanted, 1, QUESTIONS)
    kinds = Counter(one.mix.kind for one in planned)
    assert kinds["accepted"] / 4000 == pytest.approx(0.5, abs=0.03)
    leaving = [one.leaves_after for one in planned if one.leaves_after is not None]
    assert len(leaving) / 4000 == pytest.approx(0.3, abs=0.03)
    assert (min(leaving) >= 1.0, max(leaving) <= 3.0) == (True, True)
    assert sum(leaving) / len(leaving) == pytest.approx(2.0, abs=0.05)
    assert sum(one.bytes_per_second == 500 for one in planned) / 4000 == pytest.approx(0.1, abs=0.02)
    assert [one.mix for one in plan(profile(mix=MIX, stages=stages), 1, QUESTIONS)] == [one.mix for one in planned]


def test_stages_follow_each_other() -> None:
    stages = [
        {"name": "one", "seconds": 2.0, "arrivals": {"type": "constant"}},
        {"name": "two", "seconds": 2.0, "arrivals": {"type": "constant", "load": 2.0}},
    ]
    planned = plan(profile(stages=stages), 1, QUESTIONS)
    assert [(one.stage, one.offset) for one in planned] == [
        ("one", 0.0),
        ("one", 1.0),
        ("two", 2.0),
        ("two", 2.5),
        ("two", 3.0),
        ("two", 3.5),
    ]


def test_bodies_say_what_the_mix_says() -> None:
    by_kind = {one.mix.kind: one for one in plan(profile(mix=MIX, rate=20.0), 1, QUESTIONS)}
    accepted = by_kind["accepted"].body("preceptor", "m")
    assert (accepted["model"], accepted["stream"], accepted["preceptor"]) == ("preceptor", True, {"stages": True})
    assert accepted["messages"][0]["content"].startswith(f"Record {by_kind['accepted'].number}.0: The person is")
    revised = by_kind["revised"].body("preceptor", "m")
    assert ("stream" in revised, "since this morning" in revised["messages"][0]["content"]) == (False, True)
    passed = by_kind["passthrough"].body("preceptor", "m")
    assert (passed["model"], passed["max_tokens"]) == ("m", 7)
    guided = by_kind["guided"].body("preceptor", "m")["messages"][0]["content"]
    assert guided == f"Record {by_kind['guided'].number}.0: The person is forty years\n\nWhat helps against a cough?"


def test_a_target_without_guided_answers_is_asked_for_plain_ones() -> None:
    [one] = plan(profile(rate=0.1, mix=MIX[:1]), 1, QUESTIONS)
    body = one.body(None, "m")
    assert (body["model"], "preceptor" in body) == ("m", False)
