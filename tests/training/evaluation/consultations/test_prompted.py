"""Prompt files and their variables."""

from pathlib import Path

import pytest

from service.revision.prompts.templates import PromptError, filled
from training.evaluation.consultations.consultation import Language
from training.evaluation.consultations.judge import FIELDS
from training.evaluation.consultations.prompted import FOLDER, SIGNATURES, load_prompt, versions


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_prompt_loads_and_has_a_version(language: Language) -> None:
    told = versions(language)
    assert told.keys() == SIGNATURES.keys()
    assert all(len(version.split("@")[1]) == 8 for version in told.values())
    assert len(list(FOLDER.glob("*.txt"))) == 2 * len(SIGNATURES)


def test_the_languages_have_versions_of_their_own() -> None:
    assert not set(versions("en").values()) & set(versions("zh").values())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_judge_is_asked_for_every_field(language: Language) -> None:
    text = load_prompt("compare", language)
    assert all(f'"{name}":{{"reason"' in text for name in FIELDS)


def test_a_file_with_another_signature_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=r"doctor\.txt is missing"):
        load_prompt("doctor", "en", tmp_path)
    (tmp_path / "doctor_zh.txt").write_text("{case}", encoding="utf-8")
    with pytest.raises(PromptError, match=r"variables \['case'\], expected \[\]"):
        load_prompt("doctor", "zh", tmp_path)


def test_a_value_is_not_filled_again() -> None:
    assert filled("{first} {second}", {"first": "{second}", "second": "x"}) == "{second} x"
