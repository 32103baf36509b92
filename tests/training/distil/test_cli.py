import json
from pathlib import Path

import pytest

from training.data.healthbench import HealthBenchRow
from training.distil.cli import main

EXAMPLES = Path(__file__).parents[3] / "training" / "data" / "examples"
NOBODY = "http://127.0.0.1:9"


def test_examples_are_rubrics_that_can_be_distilled(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["examples", "--n", "3"]) == 0
    rows = [HealthBenchRow.model_validate_json(line) for line in capsys.readouterr().out.splitlines()]
    assert [row.prompt_id for row in rows] == ["miniclinic-0", "miniclinic-1", "miniclinic-2"]


@pytest.mark.parametrize(
    ("file", "extra", "reason"),
    [
        ("absent.jsonl", [], "No such file"),
        ("query.jsonl", [], "rows of query, which hold no rubrics"),
        ("healthbench.jsonl", [], "engine cannot be reached"),
        ("healthbench.jsonl", ["--threshold", "2"], "threshold 2.0 is no cosine"),
        ("healthbench.jsonl", ["--min-support", "0"], "min_support must be positive"),
        ("healthbench.jsonl", ["--corpus", "absent.yaml"], "absent.yaml"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_made(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, file: str, extra: list[str], reason: str
) -> None:
    arguments = ["run", str(EXAMPLES / file), "--out", str(tmp_path / "out"), "--engine-url", NOBODY, *extra]
    assert main(arguments) == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.engine
def test_a_run_over_a_real_engine_ends_with_every_cluster_accounted_for(
    engine_url: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["examples", "--n", "40"]) == 0
    rubrics, out = tmp_path / "rubrics.jsonl", tmp_path / "out"
    rubrics.write_text(capsys.readouterr().out)
    arguments = ["run", str(rubrics), "--out", str(out), "--engine-url", engine_url, "--prompts", "compact", "--json"]
    status = main(arguments)
    counts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert status == (0 if counts["candidates"] else 1)
    assert counts["clusters"] - counts["unsupported"] == counts["merged"] + counts["failed"] > 0
    assert len((out / "failed.jsonl").read_text().splitlines()) == counts["failed"]
    assert (out / "review.csv").read_text(encoding="utf-8-sig").startswith("decision,reviewer,date,id,")


@pytest.mark.engine
def test_evaluation_over_a_real_engine_gives_figures(engine_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["evaluate", "--engine-url", engine_url, "--n", "30", "--json"])
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    with_merge, without = figures["with_merge"], figures["without_merge"]
    assert 0 < without["precision"] <= without["distilled"]
    assert with_merge["failed"] <= figures["supported"]
    assert with_merge["right"] <= with_merge["distilled"]
    assert 0 < figures["ceiling_recall"] <= 1
