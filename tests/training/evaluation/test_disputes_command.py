"""Two judges who disagree: the sample stays unscored, experts get a sheet, and their word goes into the log."""

import csv
from pathlib import Path

import pytest
from inspect_ai.log import read_eval_log

from tests.training.evaluation.server import Answer, Body, completion, models, revision, serving
from training.evaluation.cli import DONE, FAILED, main
from training.evaluation.rows import SCORER, read_rows

pytestmark = pytest.mark.usefixtures("inspect_home")


def gateway(path: str, body: Body) -> Answer:
    if path == "/v1/models":
        return 200, models("preceptor", "plain")
    return 200, revision("草稿。", "回答。")


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A run over two questions of safety, on which one judge says yes and the other no."""
    yes, no = (lambda path, body, said=said: (200, completion(f"理由。\n[[{said}]]")) for said in "是否")
    with serving(gateway) as target, serving(yes) as first, serving(no) as second:
        recipe = tmp_path / "recipe.toml"
        recipe.write_text(
            f"""
            arms = ["draft"]
            target = {{ url = "{target.url}" }}
            judge = {{ type = "endpoint", url = "{first.url}", model = "a" }}
            second_judge = {{ type = "endpoint", url = "{second.url}", model = "b" }}
            [[benchmarks]]
            kind = "mlb"
            data = "fixtures"
            datasets = ["GeneralSafety"]
            n = 2
            """,
            encoding="utf-8",
        )
        assert main(["run", str(recipe), "--out", str(tmp_path / "run")]) == DONE
    return tmp_path / "run"


def test_what_judges_left_open_is_decided_by_experts(
    run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [log] = (run_folder / "logs").rglob("*.eval")
    assert [row.score for row in read_rows(log)] == [None, None]
    sheet = tmp_path / "sheet.csv"
    assert main(["disputes", "export", str(run_folder), "--out", str(sheet)]) == DONE
    assert "2 open criteria; the two judges agree on 0.0% of 2" in capsys.readouterr().out
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0]["decision"] = "是"
    with sheet.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert main(["disputes", "import", str(run_folder), str(sheet), "--author", "two physicians"]) == DONE
    assert "1 criteria settled by two physicians, 1 still open" in capsys.readouterr().out
    assert [row.score for row in read_rows(log)] == [1.0, None]
    edited = read_eval_log(str(log)).samples
    assert edited is not None
    assert edited[0].scores is not None
    history = edited[0].scores[SCORER].history
    assert history[-1].provenance is not None
    assert history[-1].provenance.author == "two physicians", "inspect keeps who decided, and what stood there before"
    assert main(["report", str(run_folder)]) == DONE


def test_a_sheet_with_faults_changes_nothing(
    run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "sheet.csv"
    main(["disputes", "export", str(run_folder), "--out", str(sheet)])
    text = sheet.read_text(encoding="utf-8-sig").rstrip()
    sheet.write_text(text + "perhaps\n", encoding="utf-8-sig")
    capsys.readouterr()
    assert main(["disputes", "import", str(run_folder), str(sheet), "--author", "me"]) == FAILED
    assert "perhaps" in capsys.readouterr().err
    [log] = (run_folder / "logs").rglob("*.eval")
    assert [row.score for row in read_rows(log)] == [None, None]
