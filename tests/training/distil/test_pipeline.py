import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from principles.corpus import load_corpus
from principles.embedding import BundledEmbedder
from principles.review_sheet import read_review_sheet
from principles.scenario import ScenarioClassifier, load_exemplars
from tests.training.distil.scripted_engine import ScriptedEngine
from training.distil.candidates import Candidate
from training.distil.criteria import Asked, Question
from training.distil.merge_prompt import load_merge_prompt
from training.distil.pipeline import CLUSTERS, PRINCIPLES, RUN, SHEET, Counts, Parts, distil
from training.distil.settings import Merging, Settings
from training.runs.files import RunError

CORPUS = load_corpus()
EMERGENCY = CORPUS.by_id("urgency.call-emergency-services")
SETTINGS = Settings(min_support=2, merging=Merging(prompts="compact"))
URGENT = ("Crushing chest pain and I am sweating, what now?", "My father's face droops and he cannot speak!")
CALM = ("What is a statin?", "How do vaccines work?", "What does cholesterol do in the body?")


class Silent:
    """Watches nothing."""

    def step(self, name: str, total: int) -> Callable[[int], None]:
        return lambda _done: None


def answered(prompt: str) -> str:
    if "emergency" in prompt:
        return json.dumps(
            {"title": EMERGENCY.title, "statement": EMERGENCY.statement, "polarity": "do", "why": "Minutes matter."}
        )
    if "invents" in prompt.lower():
        return "no"
    return json.dumps({"title": "Explain it in colours", "statement": "Explains it by colours.", "polarity": "do"})


def rubrics() -> tuple[list[Question], list[Asked]]:
    questions, asked = [], []
    for number in range(40):
        text = URGENT[number % 2] if number < 12 else CALM[number % 3]
        questions.append(Question(f"q{number}", (("user", text),)))
        if number < 12:
            asked.append(Asked("Tells to call emergency services now", 9.5, "accuracy", f"q{number}"))
        else:
            asked.append(Asked("Explains the matter with colours", 3, "accuracy", f"q{number}"))
            asked.append(Asked("Invents a study that does not exist", -7, "accuracy", f"q{number}"))
    asked.append(Asked("Mentions the weather on Tuesday", 1, "accuracy", "q0"))
    return questions, asked


@dataclass(frozen=True)
class Built:
    """The project's own encoder and classifier, built once."""

    embed: BundledEmbedder
    classifier: ScenarioClassifier


@pytest.fixture(scope="module")
def built() -> Built:
    embed = BundledEmbedder()
    return Built(embed, ScenarioClassifier(load_exemplars(), embed))


async def run(folder: Path, engine: ScriptedEngine, built: Built) -> Counts:
    parts = Parts(engine, load_merge_prompt("compact"), built.embed, built.classifier, CORPUS)
    return await distil(*rubrics(), parts, SETTINGS, folder, Silent())


async def test_rubrics_become_candidates_and_a_sheet_that_can_be_read_back(tmp_path: Path, built: Built) -> None:
    counts = await run(tmp_path, ScriptedEngine(answered), built)
    assert counts == Counts(
        questions=40, criteria=4, clusters=4, unsupported=1, merged=2, failed=1, candidates=2, same_as_corpus=1
    )
    lines = (tmp_path / PRINCIPLES).read_text().splitlines()
    colours, urgent = [Candidate.model_validate_json(line) for line in lines]
    assert (colours.support, urgent.support) == (28, 12)
    assert urgent.source_rubric_ids == tuple(f"q{number}" for number in range(12))
    assert (urgent.id, urgent.points) == ("urgency.call-emergency-services-first", 10)
    assert urgent.applies.urgency == ("emergent",)
    assert urgent.nearest is not None
    assert (urgent.nearest.id, urgent.nearest.same) == (EMERGENCY.id, True)
    assert colours.nearest is not None
    assert not colours.nearest.same
    assert json.loads((tmp_path / RUN).read_text())["corpus"] == CORPUS.sha8
    assert len((tmp_path / CLUSTERS).read_text().splitlines()) == 4
    sheet = (tmp_path / SHEET).read_text(encoding="utf-8-sig")
    assert EMERGENCY.id in sheet
    accepted = sheet.replace(f",,,{urgent.id}", f"accept,dr-1,2026-11-24,{urgent.id}")
    (tmp_path / SHEET).write_text(accepted, newline="")
    reviewed = read_review_sheet(tmp_path / SHEET)
    assert [p.why for p in reviewed.corpus.principles] == ["Minutes matter."]
    assert reviewed.undecided == 1


async def test_a_sheet_that_may_hold_decisions_is_never_written_over(tmp_path: Path, built: Built) -> None:
    await run(tmp_path, ScriptedEngine(answered), built)
    before = (tmp_path / SHEET).read_bytes()
    again = ScriptedEngine(answered)
    with pytest.raises(RunError, match=r"review.csv exists; move it away"):
        await run(tmp_path, again, built)
    assert (tmp_path / SHEET).read_bytes() == before
    (tmp_path / SHEET).rename(tmp_path / "decided.csv")
    await run(tmp_path, again, built)
    assert (len(again.asked), (tmp_path / SHEET).read_bytes()) == (1, before)
