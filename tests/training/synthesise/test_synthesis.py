"""Whole runs on a real Ray; the killed one has a process and a Ray of its own."""

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.training.synthesise.queries import rows_of, settings, write_queries
from tests.training.synthesise.scripted_engine import MODEL, RUBRIC, scripted
from training.data.cli import main as data
from training.synthesise.settings import SynthesisError
from training.synthesise.synthesis import synthesise

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
]
COMMAND = "import sys; from training.synthesise.cli import main; sys.exit(main())"


@pytest.mark.usefixtures("ray_of_ours")
def test_failures_have_a_file_and_are_all_that_the_same_command_asks_again(tmp_path: Path) -> None:
    queries, out = tmp_path / "queries.jsonl", tmp_path / "out"
    ids = write_queries(queries, 24)
    broken = {"q-3", "q-17"}
    with scripted(lambda id_, before: (200, "nonsense" if id_ in broken else RUBRIC % id_)) as engine:
        first = synthesise(queries, out, settings([engine.url]))
        assert engine.most_open <= 8
        asked = dict(engine.asked)
        assert asked == {id_: 2 if id_ in broken else 1 for id_ in ids}
        assert (first.done, first.failed, first.criteria, first.citing_a_principle) == (22, {"unreadable": 2}, 44, 22)
        failed = [(row["id"], row["step"], row["reason"], row["attempts"]) for row in rows_of(out / "failed.jsonl")]
        assert failed == [("q-3", "rubric", "unreadable", 2), ("q-17", "rubric", "unreadable", 2)]

        broken.clear()
        second = synthesise(queries, out, settings([engine.url], concurrent=3))
        assert {id_: count - asked[id_] for id_, count in engine.asked.items() if count > asked[id_]} == {
            "q-3": 1,
            "q-17": 1,
        }
    assert (second.done, second.failed, second.asked) == (24, {}, 2)
    assert [row["prompt_id"] for row in rows_of(out / "rubrics.jsonl")] == ids
    assert [row["id"] for row in rows_of(out / "provenance.jsonl")] == ids
    assert rows_of(out / "failed.jsonl") == []
    assert data(["check", str(out / "rubrics.jsonl")]) == 0
    with scripted() as engine:
        assert synthesise(queries, out, settings([engine.url])).asked == 0
        assert not engine.asked


@pytest.mark.usefixtures("ray_of_ours")
def test_an_engine_that_dies_stops_the_run_and_what_it_gave_is_kept(tmp_path: Path) -> None:
    queries, out = tmp_path / "queries.jsonl", tmp_path / "out"
    ids = write_queries(queries, 200)
    alive = threading.Event()
    alive.set()
    answered: list[str] = []

    def dying(id_: str, before: int) -> tuple[int, str]:
        if alive.is_set() and len(answered) < 40:
            answered.append(id_)
            return 200, RUBRIC % id_
        return 500, "out of memory"

    with scripted(dying) as engine:
        with pytest.raises(SynthesisError, match=r"engine_unavailable: .*out of memory; \d+ of 200 rows are kept"):
            synthesise(queries, out, settings([engine.url], retries=0))
        kept = {row["prompt_id"] for row in rows_of(out / "rubrics.jsonl")}
        assert kept
        assert kept <= set(answered)
        assert sum(engine.asked.values()) < 200
    with scripted() as engine:
        assert synthesise(queries, out, settings([engine.url])).done == 200
        assert set(engine.asked) == set(ids) - kept
        assert set(engine.asked.values()) == {1}


def test_nothing_is_asked_where_the_input_or_an_engine_is_at_fault(tmp_path: Path) -> None:
    queries = tmp_path / "queries.jsonl"
    write_queries(queries, 2)
    with pytest.raises(SynthesisError, match=r"no engine at http://127\.0\.0\.1:9"):
        synthesise(queries, tmp_path / "out", settings(["http://127.0.0.1:9"]))
    queries.write_text(queries.read_text() + '{"id": "q-0", "prompt": []}\n{"id": "q-0"\n')
    with scripted() as engine:
        with pytest.raises(SynthesisError) as refused:
            synthesise(queries, tmp_path / "out", settings([engine.url]))
        assert not engine.bodies
    assert f"{queries}:3: prompt: " in str(refused.value)
    assert f"{queries}:3: id: the same as on line 1" in str(refused.value)
    assert f"{queries}:4: row: not JSON" in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    """kill -9 in the middle, half a line left behind: each id once in the output, none asked again once committed."""
    queries, out = tmp_path / "queries.jsonl", tmp_path / "out"
    ids = write_queries(queries, 80)

    def slowly(id_: str, before: int) -> tuple[int, str]:
        time.sleep(0.1)
        return 200, RUBRIC % id_

    with scripted(slowly) as engine:
        options = ["--engine-url", engine.url, "--model", MODEL, "--concurrent", "4", "--cpus", "3", "--json"]
        command = [sys.executable, "-c", COMMAND, str(queries), "--out", str(out), *options]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            until = time.monotonic() + 90
            while not committed(out) >= 20 and time.monotonic() < until:
                time.sleep(0.02)
            run.send_signal(signal.SIGKILL)
        with (out / "journal.jsonl").open("ab") as journal:
            journal.write(b'{"line": 80, "done": {"rub')
        kept = committed(out)
        done = {row["done"]["provenance"]["id"] for row in whole_rows(out)}
        assert 20 <= kept == len(done) < 80

        time.sleep(1)
        before = dict(engine.asked)
        time.sleep(1)
        assert dict(engine.asked) == before, "actors live on after their driver"
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        assert finished.returncode == 0, finished.stderr
        again = {id_ for id_, count in engine.asked.items() if count > before.get(id_, 0)}
    assert again == set(ids) - done
    assert all(engine.asked[id_] == 1 for id_ in done)
    assert [row["prompt_id"] for row in rows_of(out / "rubrics.jsonl")] == ids
    assert rows_of(out / "rubrics.jsonl")[79]["rubrics"][0]["criterion"] == "Says q-79"
    summary = json.loads(finished.stdout.splitlines()[-1])
    assert (summary["done"], summary["asked"], summary["failed"]) == (80, 80 - len(done), {})
    assert "80/80" in finished.stderr


@pytest.mark.engine
def test_the_bundled_model_writes_rubrics_that_parse(tmp_path: Path, engine_url: str, engine_model: str) -> None:
    from training.miniclinic.datasets import write_queries as write_cases
    from training.miniclinic.knowledge import load_knowledge

    queries, out = tmp_path / "queries.jsonl", tmp_path / "out"
    write_cases(queries, load_knowledge(), range(300_000, 300_020))
    summary = synthesise(queries, out, settings([engine_url], model=engine_model, timeout_seconds=120))
    assert summary.done >= 15
    assert summary.criteria >= 3 * summary.done
    assert summary.citing_a_principle > 0
    assert data(["check", str(out / "rubrics.jsonl")]) == 0


def committed(out: Path) -> int:
    journal = out / "journal.jsonl"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def whole_rows(out: Path) -> list[dict[str, dict[str, dict[str, str]]]]:
    lines = (out / "journal.jsonl").read_bytes().split(b"\n")[:-1]
    return [json.loads(line) for line in lines]
