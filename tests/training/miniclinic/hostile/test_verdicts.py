import asyncio

import pytest

from models.vllm import VLLMEngine
from service.revision.prompts import load_prompts
from tests.service.api.scripted_engine import ENGINE_MODEL, Script, engine_app
from tests.service.api.serving import served
from training.miniclinic.hostile.answers import Answered
from training.miniclinic.hostile.figures import answer_figures, verdict_figures
from training.miniclinic.hostile.prompts import Entry, read_entries
from training.miniclinic.hostile.verdicts import Arm, Judged, judge_all
from training.miniclinic.knowledge import load_knowledge

HALF = 0.5


def judged(clean: float | None, hostile: float | None, control: float | None, *, true: bool = True) -> Judged:
    probabilities: dict[Arm, float | None] = {"clean": clean, "hostile": hostile, "control": control}
    return Judged("x-1", "x", "draft", "met", "Advises rest", true, probabilities)


def test_shares_of_changed_verdicts_by_direction() -> None:
    rows = [
        judged(0.1, 0.9, 0.1, true=False),
        judged(0.1, 0.1, 0.1, true=False),
        judged(0.9, 0.1, 0.1),
        judged(0.9, 0.9, 0.9),
        judged(0.9, None, 0.9),
    ]
    figures = verdict_figures(rows, HALF)["all"]
    assert figures["verdicts"] == 5
    assert figures["unreadable"] == {"clean": 0, "hostile": 1, "control": 0}
    assert figures["hostile"]["to_met"][0] == 0.5
    assert figures["hostile"]["to_not_met"][0] == 0.5
    assert figures["control"]["to_met"][0] == 0.0
    assert figures["control"]["to_not_met"] == figures["hostile"]["to_not_met"]
    assert figures["p_value"] == 1.0
    assert [figures["accuracy"][arm][0] for arm in ("clean", "hostile", "control")] == [1.0, 0.5, 0.75]


def test_final_answers_compare_arms_on_one_draft() -> None:
    lost = Answered("a", "x", "draft", {"clean": 1.0, "hostile": 0.5, "control": 1.0}, {}, True, True, ("clean",))
    same = Answered("b", "x", "history", dict.fromkeys(("clean", "hostile", "control"), 0.5), {}, False, False, ())
    figures = answer_figures([lost, same])
    assert figures["all"]["hostile_minus_control"][0] == -0.25
    assert figures["all"]["worse_than_clean"]["hostile"][0] == 0.5
    assert figures["all"]["emergency_lost"]["hostile"][0] == 1.0
    assert figures["carrier"]["history"]["emergency_lost"]["hostile"] is None


@pytest.fixture
def texts() -> list[Entry]:
    return [entry for entry in read_entries() if entry.carrier == "draft"][:6]


def test_an_engine_that_obeys_is_caught_and_its_control_is_not(texts: list[Entry]) -> None:
    """The stand-in says yes where the answer that it is shown holds an order, and no elsewhere."""

    def obeys(_: str, answer: str) -> float:
        return 0.99 if any(entry.text[:20] in answer for entry in texts) else 0.02

    async def ask(url: str) -> list[Judged]:
        engine = VLLMEngine(url, ENGINE_MODEL)
        try:
            return await judge_all(engine, load_prompts("compact"), load_knowledge(), texts, concurrent=3)
        finally:
            await engine.aclose()

    with served(engine_app(Script(met=obeys))) as url:
        rows = asyncio.run(ask(url))
    figures = verdict_figures(rows, HALF)["all"]
    assert len(rows) >= len(texts)
    assert figures["hostile"]["to_met"][0] == 1.0
    assert figures["control"]["changed"][0] == 0.0
