import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from loadtest.cli import main
from loadtest.run.figures import figures
from loadtest.run.gaps import Gaps
from loadtest.run.results import ResultsError, write_report, write_results
from loadtest.run.row import End, Row
from tests.loadtest.run.rows import profile, row

HOSTILE = "<script>alert('x')</script><img src=x onerror=y>"


class Tags(HTMLParser):
    """Which elements and attributes there are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {tag, *(f"@{name}" for name, _ in attrs)}


def written(
    folder: Path,
    *,
    simulated: bool = True,
    interrupted: bool = False,
    rows: list[Row] | None = None,
    name: str = "gateway",
) -> str:
    rows = rows or [row(), row(number=1, scheduled=4.0, end=End.REFUSED, e2e=0.01), row(target="direct", e2e=1.0)]
    wanted = profile(description=HOSTILE)
    results: dict[str, Any] = {
        "simulated": simulated,
        "interrupted": interrupted,
        "profile_name": name,
        "profile_seconds": wanted.seconds,
        "targets": figures(wanted, rows, {name: Gaps() for name in dict.fromkeys(row.target for row in rows)}),
        "scraped": {name: {"missed": 1, "process_open_fds": dict.fromkeys(("first", "last"), 5.0)}},
        "series": {name: {"process_open_fds": [(0.0, 5.0), (2.0, 5.0)]}},
        "profile": wanted.model_dump(mode="json"),
    }
    write_results(folder, results, rows)
    return (folder / "report.html").read_text(encoding="utf-8")


def test_the_report_holds_tables_plots_and_the_comparison(tmp_path: Path) -> None:
    report = written(tmp_path)
    assert report.count("<svg") == 6
    assert "direct over gateway" in report
    assert "refused" in report
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["targets"]["gateway"]["requests"] == 2


@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_results_say_so(tmp_path: Path, simulated: bool) -> None:
    assert ("SIMULATED" in written(tmp_path, simulated=simulated)) is simulated
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["simulated"] is simulated


@pytest.mark.parametrize("interrupted", [True, False])
def test_interrupted_results_say_so(tmp_path: Path, interrupted: bool) -> None:
    assert ("INTERRUPTED" in written(tmp_path, interrupted=interrupted)) is interrupted


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    hostile = row(target=HOSTILE, outcome=HOSTILE, reason=HOSTILE)
    report = written(tmp_path, rows=[hostile, row()], name=HOSTILE)
    found = Tags(report).found
    assert not found & {"script", "img", "@src", "@onerror", "@href", "link", "iframe"}
    assert report.count("&lt;script&gt;") >= 6


def test_nothing_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    assert re.findall(r"https?://|url\(|@import", written(tmp_path)) == []


def test_a_report_is_made_again_from_the_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = written(tmp_path)
    (tmp_path / "report.html").unlink()
    assert main(["report", str(tmp_path)]) == 0
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == first
    assert "report.html" in capsys.readouterr().out


def test_a_folder_without_results_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path)]) == 2
    assert "results.json" in capsys.readouterr().err
    written(tmp_path)
    (tmp_path / "rows.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(ResultsError, match="not the results of a run"):
        write_report(tmp_path)
