import json
from pathlib import Path

import pytest

from loadtest.cli import main

WORDS = ["capacity", "--draft-tokens", "40", "--question-tokens", "50", "--e2e-seconds", "3", "--seconds", "5"]


def test_figures_are_labelled_and_come_with_their_assumptions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "capacity.json"
    assert main([*WORDS, "--target-rate", "100", "--out", str(out), "--json"]) == 0
    *people, last = capsys.readouterr().out.splitlines()
    figures = json.loads(last)
    assert json.loads(out.read_text(encoding="utf-8")) == figures
    assert (figures["simulated"], list(figures["plans"])) == (True, ["draft only", "gated", "guided"])
    for row in figures["plans"].values():
        assert row["requests_per_second"] * row["replicas"] * 0.8 >= 100
    told = "\n".join(people)
    assert "SIMULATED qwen3-30b-a3b-h100" in told
    assert "published for an A100, taken over" in told
    assert "drafts of 40 on average" in told


def test_an_slo_that_nothing_keeps_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*WORDS, "--first-answer-seconds", "0.001"]) == 1
    assert "0.00" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"), [(["--unmet", "6"], "no more unmet"), (["--draft-tokens", "200000"], "whole KV cache")]
)
def test_lengths_that_cannot_be_end_with_2(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capacity", "--seconds", "5", *words]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--share", "1.5"], ["--headroom", "0"], ["--target-rate", "-1"], ["--speed", "a"]])
def test_wrong_words_exit_with_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["capacity", *words])
    assert stopped.value.code == 2
