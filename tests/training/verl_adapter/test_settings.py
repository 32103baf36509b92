from pathlib import Path
from typing import Any

import pytest

from training.trl_adapter.settings import SettingsError
from training.verl_adapter.settings import read_judging

GIVEN: dict[str, Any] = {
    "method": "grpo",
    "judge": {"urls": ["http://judge"], "model": "m"},
    "wait_seconds": 60,
    "buffer_tokens": 10,
    "rollouts": "runs/r/rollouts.jsonl",
}


def test_a_block_is_read() -> None:
    judging = read_judging({"judging": GIVEN, "trainer": {}})
    assert (judging.method, judging.judge.urls, judging.rollouts) == (
        "grpo",
        ("http://judge",),
        Path("runs/r/rollouts.jsonl"),
    )


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "no block 'judging'"),
        ({"judging": GIVEN | {"wait": 1}}, "judging.wait: Extra inputs are not permitted"),
        ({"judging": GIVEN | {"wait_seconds": 0}}, "judging.wait_seconds"),
        ({"judging": GIVEN | {"method": "crpo"}}, "counterparts are needed"),
        ({"judging": GIVEN | {"counterparts": "c.jsonl"}}, "counterparts are needed"),
        ({"judging": GIVEN | {"refreshed": "r.jsonl"}}, "needs counterparts"),
        ({"judging": GIVEN | {"judge": {"urls": [], "model": "m"}}}, "judging.judge.urls"),
    ],
)
def test_what_is_wrong_is_named(config: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        read_judging(config)


def test_a_buffer_longer_than_an_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="buffer of 10 tokens"):
        read_judging({"judging": GIVEN}).guards(5)
