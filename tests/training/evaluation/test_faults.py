"""What a run does when the judge or the target misbehaves, and when the run itself is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from tests.training.evaluation.server import Answer, Body, completion, models, revision, serving
from training.evaluation.cli import DONE, FAILED, STOPPED, main
from training.evaluation.reports.reading import Arm, read_run

pytestmark = pytest.mark.usefixtures("inspect_home")
CASES = 4
SOUND = '{"explanation": "It is so.", "criteria_met": true}'


def recipe_at(tmp_path: Path, target: str, judge: str, patience_seconds: int = 600, cases: int = CASES) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(
        f"""
        arms = ["draft", "guided"]
        concurrent = 2
        patience_seconds = {patience_seconds}
        [target]
        url = "{target}"
        [judge]
        type = "endpoint"
        url = "{judge}"
        model = "judge"
        [[benchmarks]]
        kind = "healthbench"
        data = "miniclinic"
        n = {cases}
        """
    )
    return path


def gateway(path: str, body: Body) -> Answer:
    if path == "/v1/models":
        return 200, models("preceptor", "plain")
    return 200, revision("A draft.", "An answer.")


def arms_of(folder: Path) -> dict[str, Arm]:
    return dict(read_run(folder).arms["healthbench"])


def run(tmp_path: Path, handler: Callable[[str, Body], Answer], patience_seconds: int = 600) -> tuple[int, Path, int]:
    """Run with a judge that answers so; return status, folder and how often the judge was asked."""
    folder = tmp_path / "run"
    with serving(gateway) as target, serving(handler) as judge:
        recipe = recipe_at(tmp_path, target.url, judge.url, patience_seconds)
        status = main(["run", str(recipe), "--out", str(folder)])
        return status, folder, len(judge.asked)


def test_a_sound_judge_scores_every_sample(tmp_path: Path) -> None:
    status, folder, _ = run(tmp_path, lambda path, body: (200, completion(SOUND)))
    arms = arms_of(folder)
    assert status == DONE
    assert {name: (len(arm.rows), arm.unscored) for name, arm in arms.items()} == {
        "draft": (CASES, 0),
        "guided": (CASES, 0),
    }
    assert (folder / "report.html").is_file()


def test_nonsense_is_counted_as_unscored_and_moves_no_score(tmp_path: Path) -> None:
    status, folder, asked = run(tmp_path, lambda path, body: (200, completion("I would rather not say.")))
    arms = arms_of(folder)
    criteria = sum(row.asked for row in arms["draft"].rows)
    assert status == DONE
    assert all(row.score is None and row.unscored == row.asked > 0 for arm in arms.values() for row in arm.rows)
    assert asked >= 3 * criteria, "each is asked three times before it is given up"


def test_a_judge_that_refuses_one_question_leaves_that_one_unscored(tmp_path: Path) -> None:
    refused: list[str] = []

    def judge(path: str, body: Body) -> Answer:
        asked = str(body["messages"])
        if not refused:
            refused.append(asked)
        if asked == refused[0]:
            return 400, {"error": {"message": "this question is too long", "type": "invalid_request_error"}}
        return 200, completion(SOUND)

    status, folder, _ = run(tmp_path, judge)
    arms = arms_of(folder)
    assert status == DONE
    assert sum(row.unscored for arm in arms.values() for row in arm.rows) == 1
    assert sum(arm.unscored for arm in arms.values()) == 1, "the sample that lacks a verdict has no score"


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["429", "500", "silent"])
def test_a_judge_that_stays_away_stops_a_run_that_then_goes_on(
    tmp_path: Path, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    away, released = Event(), Event()
    answered = 0

    def judge(path: str, body: Body) -> Answer:
        nonlocal answered
        answered += 1
        if answered > 30:
            away.set()
        if not away.is_set():
            return 200, completion(SOUND)
        if fault == "silent":
            released.wait(20)
        return (500 if fault == "500" else 429), {"error": {"message": "come back in an hour"}}

    status, folder, _ = run(tmp_path, judge, patience_seconds=3)
    released.set()
    told = capsys.readouterr().err
    assert status == STOPPED
    assert "all that was scored is kept; go on with: preceptor-eval resume" in told
    kept = {row.id: row.score for row in arms_of(folder)["draft"].rows}
    assert 0 < len(kept) < CASES
    assert all(score is not None for score in kept.values()), "no score is made of what was not said"

    with serving(gateway) as target, serving(lambda path, body: (200, completion(SOUND))) as sound:
        config = json.loads((folder / "config.json").read_text())
        config["config"]["target"]["url"], config["config"]["judge"]["url"] = target.url, sound.url
        (folder / "config.json").write_text(json.dumps(config))
        assert main(["resume", str(folder)]) == DONE
    arms = arms_of(folder)
    assert {name: (len(arm.rows), arm.unscored) for name, arm in arms.items()} == {
        "draft": (CASES, 0),
        "guided": (CASES, 0),
    }
    scores = {row.id: row.score for row in arms["draft"].rows}
    assert {id_: scores[id_] for id_ in kept} == kept, "what was scored before the judge went away stays as it was"


def test_a_target_that_refuses_a_sample_stops_the_run_and_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refusing(path: str, body: Body) -> Answer:
        if path == "/v1/models":
            return 200, models("preceptor", "plain")
        return 400, {"error": {"message": "draft: too long"}}

    with serving(refusing) as target, serving(lambda path, body: (200, completion(SOUND))) as judge:
        recipe = recipe_at(tmp_path, target.url, judge.url)
        assert main(["run", str(recipe), "--out", str(tmp_path / "run")]) == STOPPED
    told = capsys.readouterr().err
    assert "sample heldout-" in told
    assert "HTTP 400" in told


def test_what_is_wrong_with_a_recipe_or_a_server_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = recipe_at(tmp_path, "http://127.0.0.1:9", "http://127.0.0.1:9")
    assert main(["run", str(recipe), "--out", str(tmp_path / "run")]) == FAILED
    assert capsys.readouterr().err.startswith("error: http://127.0.0.1:9 does not list its models:")
    with serving(lambda path, body: (200, models("plain"))) as bare:
        recipe = recipe_at(tmp_path, bare.url, bare.url)
        assert main(["run", str(recipe), "--out", str(tmp_path / "other")]) == FAILED
    assert "is no gateway: it lists plain" in capsys.readouterr().err
    recipe.write_text("seed = 1\nsede = 2\n")
    assert main(["run", str(recipe), "--out", str(tmp_path / "third")]) == FAILED
    assert "sede" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_run_goes_on_without_losing_or_repeating_a_sample(tmp_path: Path) -> None:
    cases, folder = 24, tmp_path / "run"

    def slowly(path: str, body: Body) -> Answer:
        if path != "/v1/models":
            time.sleep(0.15)
        return gateway(path, body)

    with serving(slowly) as target, serving(lambda path, body: (200, completion(SOUND))) as judge:
        recipe = recipe_at(tmp_path, target.url, judge.url, cases=cases)
        command = [sys.executable, "-m", "training.evaluation.cli", "run", str(recipe), "--out", str(folder)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ) as process:
            deadline = time.monotonic() + 50
            while len(target.asked) < cases // 2 and time.monotonic() < deadline:
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
        first = [str(body["messages"]) for _, body in target.asked]
        assert cases // 2 <= len(first) < cases
        assert main(["run", str(recipe), "--out", str(folder)]) == DONE
        again = [str(body["messages"]) for _, body in target.asked[len(first) :]]
    arms = arms_of(folder)
    assert [len(arms[name].rows) for name in ("draft", "guided")] == [cases, cases]
    assert len({row.id for row in arms["draft"].rows}) == cases
    repeated = [question for question in again if question in first]
    assert len(repeated) <= 2, "only what was at work when the run was killed is asked again"
    assert len(first) + len(again) - len(repeated) == cases
