"""The interface speaks both languages, and says nothing that it has no words for."""

import json
import re
from typing import get_args

import pytest

from principles.schema import Dimension, Expertise, ReviewStatus, TaskType, Uncertainty, Urgency
from service.api.web import FOLDER
from service.revision.trace import Outcome
from tests.web.examples import SEEDS, WITH_DRAFT

WORDS = {name: json.loads((FOLDER / f"locales/{name}.json").read_text(encoding="utf-8")) for name in ("en", "zh")}
SOURCE = "\n".join(p.read_text(encoding="utf-8") for p in FOLDER.rglob("*") if p.suffix in (".js", ".html"))
KEY = re.compile(r'(?:\bt|tLabel|label|tPlaceholder): "([^"]+)"|data-t(?:-label)?="([^"]+)"|\bt(?:abs)?\("([^"]+)"')
VALUE = re.compile(r"\{\w+\}")
CLOSED = {
    "outcome": tuple(outcome.value for outcome in Outcome),
    "dimension": get_args(Dimension),
    "scenario.urgency": get_args(Urgency),
    "scenario.uncertainty": get_args(Uncertainty),
    "scenario.expertise": get_args(Expertise),
    "scenario.task_type": get_args(TaskType),
    "review": get_args(ReviewStatus),
    "call": ("draft", "rubric", "verdict", "critique", "edit", "check", "rewrite", "improve"),
    "timing": ("draft", "retrieve", "rubric", "verdicts", "edits", "total", "waiting"),
    "example": (*SEEDS, *WITH_DRAFT),
    "feedback.content": ("stored", "deidentified", "withheld"),
    "verdict.now": ("satisfied", "unsatisfied", "unscored"),
}


def test_both_languages_have_the_same_words_with_the_same_values() -> None:
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    for key, text in WORDS["en"].items():
        assert sorted(VALUE.findall(text)) == sorted(VALUE.findall(WORDS["zh"][key])), key


def test_chinese_is_chinese() -> None:
    untouched = {key for key, text in WORDS["zh"].items() if not re.search(r"[\u4e00-\u9fff]", text)}
    assert untouched == {"tab.json"}


def test_every_word_that_the_page_uses_is_there() -> None:
    used = {next(filter(None, found)) for found in KEY.findall(SOURCE)}
    assert len(used) > 100
    assert used - WORDS["en"].keys() == set()


@pytest.mark.parametrize("stem", CLOSED)
def test_closed_sets_have_words_for_every_member(stem: str) -> None:
    assert {f"{stem}.{member}" for member in CLOSED[stem]} - WORDS["en"].keys() == set()


def test_no_word_is_left_over() -> None:
    used = {next(filter(None, found)) for found in KEY.findall(SOURCE)}
    stems = set(re.findall(r"`([a-z_.]+)\.\$\{", SOURCE))
    quoted = set(re.findall(r'"([a-z_]+\.[a-z_.0-9]+)"', SOURCE))
    left = {key for key in WORDS["en"] if key not in used | quoted and not any(key.startswith(f"{s}.") for s in stems)}
    assert left == set()
