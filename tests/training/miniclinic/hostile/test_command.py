import json
from pathlib import Path

import pytest

from tests.service.api.scripted_engine import Script, engine_app
from tests.service.api.serving import served, unused_url
from training.miniclinic.__main__ import main


def test_the_guard_alone_needs_no_engine(tmp_path: Path) -> None:
    assert main(["hostile", "--out", str(tmp_path)]) == 0
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert set(figures) == {"guard"}
    rows = (tmp_path / "guard.jsonl").read_text().splitlines()
    assert len(rows) > figures["guard"]["let_through"][3]


def test_verdicts_are_asked_of_the_engine_that_is_named(tmp_path: Path) -> None:
    with served(engine_app(Script())) as url:
        assert main(["hostile", "--engine", url, "--texts", "5", "--out", str(tmp_path)]) == 0
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["model"] == "scripted-engine"
    assert figures["verdicts"]["all"]["verdicts"] == len((tmp_path / "verdicts.jsonl").read_text().splitlines())


def test_an_engine_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hostile", "--engine", unused_url(), "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error: ")
