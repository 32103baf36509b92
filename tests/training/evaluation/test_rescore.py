"""Scores made again from the verdicts in a log: the same at the same threshold, others at another, for many samples."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from tests.training.evaluation.server import Answer, Body, completion, models, revision, serving
from training.evaluation.cli import DONE, main
from training.evaluation.reports.reading import read_run
from training.evaluation.rescore_command import again
from training.evaluation.rows import read_rows

pytestmark = pytest.mark.usefixtures("inspect_home")
MANY = 10_000
GIBIBYTE_KIB = 2**20


def gateway(path: str, body: Body) -> Answer:
    if path == "/v1/models":
        return 200, models("preceptor", "plain")
    return 200, revision("A draft.", "An answer.")


def judge(path: str, body: Body) -> Answer:
    """P(yes) is high for half of the criteria, by their length."""
    sure = len(str(body["messages"][-1]["content"])) % 2
    return 200, completion("yes", logprobs={"yes": -0.3, "no": -1.35} if sure else {"yes": -1.2, "no": -0.36})


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    with serving(gateway) as target, serving(judge) as judging:
        recipe = tmp_path / "recipe.toml"
        recipe.write_text(
            f"""
            arms = ["draft"]
            [target]
            url = "{target.url}"
            [judge]
            type = "endpoint"
            url = "{judging.url}"
            model = "judge"
            style = "verdict"
            [[benchmarks]]
            kind = "healthbench"
            data = "miniclinic"
            n = 6
            """
        )
        assert main(["run", str(recipe), "--out", str(tmp_path / "run")]) == DONE
    return tmp_path / "run"


def test_the_same_threshold_gives_the_same_scores(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rescore", str(run_folder)]) == DONE
    assert "6 samples, 0 of them scored otherwise than before" in capsys.readouterr().out


def test_another_threshold_is_read_from_the_stored_probabilities(run_folder: Path) -> None:
    [log] = (run_folder / "logs").rglob("*.eval")
    rows = list(read_rows(log))
    assert all(again(row, "healthbench", 0.5).values == row.values for row in rows)
    lenient = [again(row, "healthbench", 0.1) for row in rows]
    assert all(verdict["met"] for row in lenient for verdict in row.verdicts)
    strict = [again(row, "healthbench", 0.99) for row in rows]
    assert [row.score for row in strict] == [0.0] * 6


@pytest.mark.slow
def test_ten_thousand_samples_are_scored_again_within_a_gibibyte(run_folder: Path) -> None:
    [log] = (run_folder / "logs").rglob("*.eval")
    multiply(log, MANY)
    # VmHWM is this process's own; getrusage would tell the peak of whoever started it, if that was higher.
    code = (
        "import re, sys\n"
        "from training.evaluation.cli import main\n"
        f"status = main(['rescore', {str(run_folder)!r}])\n"
        "print(re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1])\n"
        "sys.exit(status)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=110)
    told, peak_kib = done.stdout.strip().splitlines()
    assert f"{MANY} samples, 0 of them scored otherwise than before" in told
    assert int(peak_kib) < GIBIBYTE_KIB
    arm = read_run(run_folder).arms["healthbench"]["draft"]
    assert (len(arm.rows), arm.missing, arm.failures) == (MANY, 0, ())


def multiply(log: Path, times: int) -> None:
    """Write a log's samples again under other ids until there are so many."""
    with ZipFile(log) as archive:
        header = json.loads(archive.read("header.json"))
        summaries = json.loads(archive.read("summaries.json"))
        names = [name for name in archive.namelist() if name.startswith("samples/")]
        samples = [json.loads(archive.read(name)) for name in names]
    ids = [f"heldout-{number}" for number in range(times)]
    header["eval"]["dataset"] |= {"samples": times, "sample_ids": ids}
    header["results"] |= {"total_samples": times, "completed_samples": times}
    with ZipFile(log, "w") as archive:
        archive.writestr("header.json", json.dumps(header))
        archive.writestr("summaries.json", json.dumps([_as(summaries[0], id_) for id_ in ids]))
        for number, id_ in enumerate(ids):
            archive.writestr(f"samples/{id_}_epoch_1.json", json.dumps(_as(samples[number % len(samples)], id_)))


def _as(sample: dict[str, Any], id_: str) -> dict[str, Any]:
    return {**sample, "id": id_}
