import json
from pathlib import Path

import pytest

from principles import cli
from principles.cli import main
from principles.corpus import load_corpus
from principles.evaluate import (
    CrossValidation,
    Evaluation,
    TopicEvaluation,
    cross_validate,
    load_heldout,
    load_heldout_topics,
)
from principles.importer import to_yaml
from principles.retrieve import Retriever
from principles.review_sheet import COLUMNS, CONTENT, joined, sheet_text
from principles.schema import Principle


def last_object(text: str) -> dict[str, object]:
    found = json.loads(text.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def test_list_names_every_principle(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    assert last_object(capsys.readouterr().out)["count"] == len(load_corpus())
    assert main(["list", "--dimension", "urgency"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(line.startswith("urgency.") for line in lines)


def test_show_gives_one_principle(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "urgency.choking", "--json"]) == 0
    assert last_object(capsys.readouterr().out)["id"] == "urgency.choking"
    assert main(["show", "urgency.choking"]) == 0
    assert capsys.readouterr().out.startswith("urgency.choking\n")


def test_show_of_an_unknown_id_fails_with_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "urgency.nothing"]) == 1
    assert capsys.readouterr().err == "no principle urgency.nothing; `list` names them all\n"


def test_check_reports_the_projects_corpus_and_a_bad_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["check", "--json"]) == 0
    assert last_object(capsys.readouterr().out)["valid"] is True
    bad = tmp_path / "bad.yaml"
    bad.write_text("- id: nonsense\n", encoding="utf-8")
    assert main(["check", str(bad), "--json"]) == 1
    assert last_object(capsys.readouterr().out)["valid"] is False


def test_search_shows_scenario_and_hits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, bundled_retriever: Retriever
) -> None:
    monkeypatch.setattr(cli, "build_retriever", lambda: bundled_retriever)
    question = ["search", "my", "son", "is", "choking", "on", "a", "grape", "--top-k", "3"]
    assert main([*question, "--json"]) == 0
    found = last_object(capsys.readouterr().out)
    assert isinstance(found["scenario"], dict)
    assert found["scenario"]["urgency"] == "emergent"
    assert isinstance(found["hits"], list)
    assert "urgency.choking" in {hit["id"] for hit in found["hits"]}
    assert len(found["hits"]) == 3
    assert main(question) == 0
    text = capsys.readouterr().out
    assert text.startswith("urgency      emergent")
    assert "Relieve choking without delay" in text
    assert "\nhealth " in text


def test_evaluate_gives_the_figures(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, bundled_retriever: Retriever
) -> None:
    monkeypatch.setattr(cli, "build_retriever", lambda: bundled_retriever)
    monkeypatch.setattr(cli, "load_heldout", lambda: load_heldout()[:6])
    monkeypatch.setattr(cli, "load_heldout_topics", lambda: load_heldout_topics()[213:225])
    crossed = cross_validate(bundled_retriever.topic, folds=2)
    monkeypatch.setattr(cli, "cross_validate", lambda topic: crossed)
    assert main(["evaluate", "--json"]) == 0
    figures = last_object(capsys.readouterr().out)
    assert list(figures) == [*Evaluation.__dataclass_fields__, "topic", "topic_cross_validation"]
    assert figures["n"] == 6
    topic, crossed_figures = figures["topic"], figures["topic_cross_validation"]
    assert isinstance(topic, dict)
    assert list(topic) == list(TopicEvaluation.__dataclass_fields__)
    assert (topic["talk"], topic["emergent"]) == (9, 3)
    assert isinstance(crossed_figures, dict)
    assert list(crossed_figures) == list(CrossValidation.__dataclass_fields__)
    assert main(["evaluate"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["n", "6"]
    assert ["topic"] in lines
    assert ["talk", "9"] in lines
    assert ["folds", "2"] in lines


def test_import_writes_yaml_that_loads_again(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    principle = load_corpus().by_id("urgency.choking")
    record = json.loads(principle.model_dump_json())
    source, mapping, output = tmp_path / "set.json", tmp_path / "map.toml", tmp_path / "out"
    source.write_text(json.dumps([record]), encoding="utf-8")
    names = ("id", "dimension", "title", "polarity", "statement", "why", "points", "applies.urgency")
    mapping.write_text("[fields]\n" + "".join(f'"{name}" = "{name}"\n' for name in names), encoding="utf-8")
    arguments = ["import", str(source), "--mapping", str(mapping), "--output", str(output), "--json"]
    assert main(arguments) == 0
    assert last_object(capsys.readouterr().out)["count"] == 1
    imported = load_corpus(output).principles[0]
    assert imported.statement == principle.statement
    assert to_yaml([imported])
    assert main(arguments) == 1
    assert "exists" in capsys.readouterr().err


def test_import_brings_in_a_review_sheet(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    first, second = load_corpus().principles[:2]
    decision = {"decision": "accept", "reviewer": "dr-1", "date": "2026-11-24"}
    sheet, output = tmp_path / "review.csv", tmp_path / "out"
    sheet.write_text(sheet_text([{**sheet_row(first), **decision}, sheet_row(second)]), encoding="utf-8", newline="")
    arguments = ["import", "--review-sheet", str(sheet), "--output", str(output)]
    assert main([*arguments, "--json"]) == 0
    found = last_object(capsys.readouterr().out)
    assert (found["count"], found["accepted"], found["rejected"], found["undecided"]) == (1, 1, 0, 1)
    assert load_corpus(output).by_id(first.id).review.reviewer == "dr-1"
    sheet.write_text(sheet_text([sheet_row(second)]), encoding="utf-8", newline="")
    assert main(arguments) == 1
    assert capsys.readouterr().err == "review.csv: nothing to import: 0 rejected, 1 without a decision\n"
    assert main([*arguments[:-1], str(tmp_path / "all"), "--unreviewed"]) == 0
    assert "(1 unreviewed, 0 rejected, 0 undecided)" in capsys.readouterr().out


def test_import_of_nothing_or_of_both_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["import", "--output", str(tmp_path)]) == 1
    assert "import takes FILE with --mapping, or --review-sheet FILE" in capsys.readouterr().err
    assert main(["import", "set.json", "--review-sheet", "review.csv", "--output", str(tmp_path)]) == 1
    assert "import takes --review-sheet alone" in capsys.readouterr().err


def sheet_row(principle: Principle) -> dict[str, str]:
    values = principle.model_dump()
    applies = {f"applies_{name}": joined(allowed) for name, allowed in principle.applies}
    return {**dict.fromkeys(COLUMNS, ""), **{name: str(values[name]) for name in CONTENT}, **applies}
