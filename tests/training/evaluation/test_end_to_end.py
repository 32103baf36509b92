"""All benchmarks on the bundled model through a real engine and gateway; and the same model as a judge."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.registry import load_registry
from training.evaluation.cli import DONE, main
from training.evaluation.reports.reading import Run, read_run
from training.export.gateway_process import running_gateway
from training.export.ports import reserved_port

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("inspect_home"),
]
BUNDLED = load_registry().bundled()[0]
EVERYTHING = """
max_tokens = 400
arms = ["draft", "guided"]
target = {{ url = "{url}" }}
judge = {{ type = "miniclinic" }}
[[benchmarks]]
kind = "healthbench"
data = "miniclinic"
first = 100
n = 3
arms = ["draft", "guided", "no_principles", "all_principles", "length_matched", "best_of_n", "rounds_2"]
[[benchmarks]]
kind = "mlb"
data = "miniclinic"
n = 1
[[benchmarks]]
kind = "mlb"
label = "fixtures"
data = "fixtures"
datasets = ["CMExam", "CMeEE"]
n = 1
[[benchmarks]]
kind = "consultations"
label = "scripted"
data = "miniclinic"
counterparts = "miniclinic"
language = "en"
n = 2
[[benchmarks]]
kind = "consultations"
label = "simulated"
data = "miniclinic"
patient = "simulated"
counterparts = "miniclinic"
language = "en"
n = 1
[[benchmarks]]
kind = "healthbench_meta"
data = "miniclinic"
n = 2
"""


@pytest.fixture
def gateway_url(engine_url: str, tmp_path: Path) -> Iterator[str]:
    with reserved_port() as port, running_gateway(engine_url, port, tmp_path / "gateway.log") as url:
        yield url


def evaluated(tmp_path: Path, recipe: str) -> Run:
    (tmp_path / "recipe.toml").write_text(recipe)
    assert main(["run", str(tmp_path / "recipe.toml"), "--out", str(tmp_path / "run")]) == DONE
    return read_run(tmp_path / "run")


def test_every_benchmark_runs_through_the_gateway(gateway_url: str, tmp_path: Path) -> None:
    run = evaluated(
        tmp_path,
        EVERYTHING.format(url=gateway_url),
    )
    samples = {name: {arm: len(one.rows) for arm, one in arms.items()} for name, arms in run.arms.items()}
    assert samples["healthbench"] == dict.fromkeys(
        ("draft", "guided", "no_principles", "all_principles", "length_matched", "best_of_n", "rounds_2"), 3
    )
    assert samples["mlb"] == {"draft": 6, "guided": 6}
    assert samples["mlb-fixtures"] == {"draft": 2, "guided": 2}
    assert samples["consultations-scripted"] == {"draft": 2, "guided": 2}
    assert samples["consultations-simulated"] == {"draft": 1, "guided": 1}
    assert samples["healthbench_meta"]["judge"] > 0
    unscored = {name: sum(arm.unscored for arm in arms.values()) for name, arms in run.arms.items()}
    assert unscored == dict.fromkeys(run.arms, 0)
    arms = run.arms["healthbench"]
    for draft, guided in zip(arms["draft"].rows, arms["guided"].rows, strict=True):
        assert guided.answered.tokens > draft.answered.tokens > 0
        assert (guided.answered.text == draft.answered.text) == (guided.answered.extra["outcome"] == "accepted")
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "guided" in page
    assert (
        json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))["benchmarks"].keys()
        == samples.keys()
    )


def test_the_bundled_model_is_a_judge_that_the_exact_one_agrees_with(engine_url: str, tmp_path: Path) -> None:
    out = tmp_path / "audit"
    arguments = ["audit", "miniclinic", "--n", "4", "--judge", f"{BUNDLED}@{engine_url}", "--model", BUNDLED]
    assert main([*arguments, "--out", str(out)]) == DONE
    told = json.loads((out / "audit.json").read_text(encoding="utf-8"))
    assert told["unscored"] == 0
    assert (out / "audit.html").is_file()
