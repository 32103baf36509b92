"""The command itself: against the stand-in alone, and through the real gateway as a process."""

import argparse
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from loadtest.arguments import key_in
from loadtest.cli import main
from loadtest.servers import ENGINE, GATEWAY, serving, standin

PACED = ("--speed", "qwen3-30b-a3b-h100", "--draft-tokens", "30")


def results(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return found


def test_two_targets_are_compared_and_labelled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    with standin(tmp_path, PACED) as engine:
        url = engine.address.url
        words = ["run", "smoke", "--target", f"one={url}", "--target", f"other={url}", "--seconds", "2", "--rate", "5"]
        assert main([*words, "--out", str(out), "--json"]) == 0
    told = capsys.readouterr().out
    assert json.loads(told.splitlines()[-1])["simulated"] is True
    assert "SIMULATED smoke" in told
    found = results(out)
    assert (list(found["targets"]), found["profile"]["rate"], found["profile_seconds"]) == (["one", "other"], 5.0, 2.0)
    one, other = found["targets"]["one"], found["targets"]["other"]
    assert one["requests"] == other["requests"] > 0
    assert set(one["ends"]) <= {"ok", "left"}
    assert "vllm:num_requests_running" in found["series"]["one"]
    rows = (out / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(rows) == one["requests"] + other["requests"]
    assert "SIMULATED" in (out / "report.html").read_text(encoding="utf-8")


def test_an_interrupted_run_writes_what_it_has(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with standin(tmp_path, PACED) as engine:
        words = ["run", "soak", "--target", engine.address.url, "--rate", "20", "--out", str(out)]
        command = [sys.executable, "-m", "loadtest", *words]
        with (tmp_path / "run.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as run:
            with httpx.Client(base_url=engine.address.url) as client:
                while client.get("/counts").json()["served"] < 3:
                    assert run.poll() is None
            run.send_signal(signal.SIGINT)
            assert run.wait(30) == 0
    found = results(out)
    assert found["interrupted"] is True
    [target] = found["targets"].values()
    assert target["ends"]["ok"] >= 1
    assert "INTERRUPTED" in (out / "report.html").read_text(encoding="utf-8")


def test_a_key_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("abc-123\n", encoding="ascii")
    assert key_in(str(path)) == "abc-123"
    for content in ("", "two words", "one\ntwo"):
        path.write_text(content, encoding="ascii")
        with pytest.raises(argparse.ArgumentTypeError):
            key_in(str(path))


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_run_through_the_real_gateway(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    with serving({GATEWAY}, tmp_path, PACED) as servers:
        engine, gateway = (servers.children[name].address.url for name in (ENGINE, GATEWAY))
        words = ["run", "smoke", "--target", f"gateway={gateway}", "--scrape", f"engine={engine}", "--out", str(out)]
        assert main(words) == 0
    capsys.readouterr()
    found = results(out)["targets"]["gateway"]
    assert set(found["ends"]) <= {"ok", "left"}
    assert set(found["outcomes"]) == {"accepted", "revised", "bypassed"}
    assert found["first_reasoning_seconds"]["p50"] is not None
    assert found["overhead_ms"]["p50"] > 0
    series = results(out)["series"]
    assert "process_resident_memory_bytes" in series["gateway"]
    assert series["engine"]["vllm:generation_tokens_total"][-1][1] > 0


def test_a_target_that_is_away_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with standin(tmp_path, ()) as engine:
        url = engine.address.url
    assert main(["run", "smoke", "--target", url, "--out", str(tmp_path / "out")]) == 1
    assert "ConnectError" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_unknown_profile_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "absent", "--target", "http://127.0.0.1:9", "--out", str(tmp_path / "out")]) == 2
    assert "absent.toml" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["smoke", "--target", "ftp://host"],
        ["smoke", "--target", "http://127.0.0.1:9", "--rate", "0"],
        ["smoke"],
    ],
)
def test_wrong_words_exit_with_2(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["run", *words, "--out", str(tmp_path / "out")])
    assert stopped.value.code == 2


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "kept").write_text("", encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["run", "smoke", "--target", "http://127.0.0.1:9", "--out", str(tmp_path)])
    assert "new or an empty folder" in capsys.readouterr().err
