import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from loadtest.cli import main
from tests.loadtest.standin import Clock, Script, standing_in

CONTENTS = ("good", "bad", "good other")


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    clock = Clock()
    monkeypatch.setattr("loadtest.client.perf_counter", clock.now)
    return Script(wait=clock.advance)


def ask(tmp_path: Path, script: Script, contents: Sequence[str], *words: str, models: tuple[str, ...] = ()) -> int:
    path = tmp_path / "questions.jsonl"
    rows = [{"id": text, "messages": [{"role": "user", "content": text}]} for text in contents]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    with standing_in(script, models or ("preceptor", "engine/model")) as url:
        return main(["latency", "--url", url, "--questions", str(path), "--json", *words])


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def test_a_whole_run(tmp_path: Path, script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "latency.json"
    assert ask(tmp_path, script, CONTENTS, "--warmup", "1", "--repeats", "2", "--out", str(out)) == 0
    figures = last_line(capsys)
    assert figures["accepted_over_plain"] == pytest.approx(0.03 / 0.02)
    assert figures["outcomes"]["revised"]["over_plain"]["ratio_of_means"] == pytest.approx(0.05 / 0.02)
    assert figures["guided_over_plain"] == pytest.approx((0.03 + 0.05 + 0.03) / 0.06)
    assert figures["textbook_over_plain"] == pytest.approx((0.02 + 0.02 + 0.02) / 0.02)
    assert figures["cached_share"] == 0.75
    assert figures["draft_share_equal"] == pytest.approx(2 / 3)
    assert (figures["requests"], figures["repeats"], figures["failures"]) == (3, 2, 0)
    assert {name: row["requests"] for name, row in figures["outcomes"].items()} == {"accepted": 4, "revised": 2}
    output_tokens = {arm: row["mean_output_tokens"] for arm, row in figures["arms"].items()}
    assert output_tokens == {"plain": 10, "guided": 25, "textbook": 50}
    assert figures["setup"]["plain"] == "engine/model"
    rows = json.loads(out.read_text(encoding="utf-8"))["rows"]
    assert [row["repeat"] for row in rows] == [1, 1, 1, 2, 2, 2]
    assert [row["order"][0] for row in rows] == ["plain", "guided", "guided", "guided", "guided", "plain"]


def test_the_arms_send_the_same_seed_and_the_textbook_gets_the_criteria(tmp_path: Path, script: Script) -> None:
    assert ask(tmp_path, script, ["bad"], "--warmup", "0", "--repeats", "1", "--seed", "5") == 0
    plain, guided, draft, critique, rewrite = script.bodies
    assert guided == {**plain, "model": "preceptor", "preceptor": {"trace": True}}
    assert draft == plain
    assert (plain["seed"], plain["temperature"], plain["max_tokens"]) == (5, 0.8, 400)
    assert [m["content"] for m in critique["messages"]] == [
        "bad",
        "draft of bad",
        "Criteria:\n1. Names the red flag.\n2. Gives no dose.\nVerdicts?",
    ]
    assert rewrite["messages"][-1]["content"] == "Unmet:\n1. Names the red flag.\nRewrite."
    assert (critique["temperature"], rewrite["temperature"]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("critique", "rewrites", "unreadable"),
    [('[{"n":1,"met":true},{"n":2,"met":false}]', 0, 0), ("I cannot say.", 1, 1)],
)
def test_the_textbook_goes_by_its_critique(
    tmp_path: Path, script: Script, capsys: pytest.CaptureFixture[str], critique: str, rewrites: int, unreadable: int
) -> None:
    script.critique = critique
    assert ask(tmp_path, script, ["bad"], "--warmup", "0", "--repeats", "1") == 0
    figures = last_line(capsys)
    assert (figures["textbook_rewrites"], figures["textbook_unreadable_critiques"]) == (rewrites, unreadable)
    unmet = [b["messages"][-1]["content"] for b in script.bodies if b["messages"][-1]["content"].startswith("Unmet:")]
    assert unmet == ["Unmet:\n1. Names the red flag.\n2. Gives no dose.\nRewrite."] * rewrites


def test_without_criteria_there_is_no_textbook(
    tmp_path: Path, script: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(tmp_path, script, ["small talk"], "--warmup", "0", "--repeats", "1") == 0
    figures = last_line(capsys)
    assert figures["textbook_over_plain"] is None
    assert figures["accepted_over_plain"] is None
    assert figures["outcomes"]["bypassed"]["requests"] == 1


def test_a_failed_question_is_left_out_and_told(
    tmp_path: Path, script: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(tmp_path, script, ["good", "fail"], "--warmup", "0", "--repeats", "1") == 0
    captured = capsys.readouterr()
    figures = json.loads(captured.out.splitlines()[-1])
    assert (figures["requests"], figures["failures"]) == (1, 1)
    assert "fail, repeat 1: /v1/chat/completions: status 503" in captured.err


@pytest.mark.parametrize(
    ("contents", "models", "complaint"),
    [
        (["fail"], ("preceptor", "engine/model"), "no question could be measured"),
        (["good"], ("preceptor",), "lists no model besides preceptor"),
    ],
)
def test_nothing_measured_exits_with_1(
    tmp_path: Path,
    script: Script,
    capsys: pytest.CaptureFixture[str],
    contents: list[str],
    models: tuple[str, ...],
    complaint: str,
) -> None:
    assert ask(tmp_path, script, contents, "--warmup", "0", "--repeats", "1", models=models) == 1
    assert complaint in capsys.readouterr().err


def test_a_failing_warm_up_ends_the_run(tmp_path: Path, script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(tmp_path, script, ["fail"], "--warmup", "1", "--repeats", "3") == 1
    assert "status 503" in capsys.readouterr().err
    assert len(script.bodies) == 2


def test_a_wrong_profile_exits_with_2(tmp_path: Path, script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(tmp_path, script, ["good"], "--profile", "absent") == 2
    assert "absent.toml" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["latency", "--requests", "0"], ["latency", "--warmup", "-1"]])
def test_wrong_words_exit_with_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2


def test_a_place_that_cannot_be_written_is_refused_before_the_run(tmp_path: Path, script: Script) -> None:
    with pytest.raises(SystemExit) as stopped:
        ask(tmp_path, script, ["good"], "--out", str(tmp_path / "absent" / "file.json"))
    assert stopped.value.code == 2
    assert script.bodies == []
