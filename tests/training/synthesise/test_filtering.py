"""A whole filtering on a real Ray with the miniclinic's exact judge, and its parts without Ray."""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.training.synthesise.queries import rows_of
from tests.training.synthesise.scripted_engine import MODEL, scripted
from training.data.cli import main as data
from training.miniclinic.answers import criterion_of
from training.miniclinic.cases import make_case
from training.miniclinic.knowledge import load_knowledge
from training.synthesise.filtering import filter_rubrics
from training.synthesise.settings import FilterSettings

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
]


def settings(url: str, **more: Any) -> FilterSettings:
    engines = {"urls": [url], "model": MODEL, "retries": 0, "concurrent": 8, "timeout_seconds": 20}
    return FilterSettings.model_validate({"engines": engines, "judge": {"type": "miniclinic"}, **more})


@pytest.mark.usefixtures("ray_of_ours")
def test_rubrics_go_by_what_the_rollouts_met(tmp_path: Path) -> None:
    knowledge = load_knowledge()
    case = make_case(knowledge, 300_000, "train")
    keys = case.required[:2]
    said = [knowledge.items[key].answer[0] for key in keys]
    texts = [criterion_of(knowledge, key, False, (), random.Random(0)).text for key in keys]
    kinds = {"q-0": "always", "q-1": "never", "q-2": "sometimes", "q-3": "stranger", "q-4": "silent"}
    rubrics, out = tmp_path / "rubrics.jsonl", tmp_path / "kept.jsonl"
    rubrics.write_text("".join(json.dumps(_row(id_, texts, kinds)) + "\n" for id_ in kinds))

    def answer(id_: str, before: int) -> tuple[int, str]:
        if kinds[id_] == "silent":
            return 500, "away"
        says = kinds[id_] == "always" or (kinds[id_] == "sometimes" and before % 2 == 0)
        return 200, " ".join(said) if says else "Nothing of it."

    with scripted(answer) as engine:
        summary = filter_rubrics(rubrics, out, settings(engine.url))
        assert engine.asked == Counter(dict.fromkeys(kinds, 8))
        assert {body["temperature"] for body in engine.bodies} == {1.0}
        asked = len(engine.bodies)
        assert (summary.kept, summary.dropped) == (1, {"saturated": 1, "never_met": 1})
        assert summary.failed == {"unscored": 1, "engine_unavailable": 1}
        kinds["q-4"] = "never"
        again = filter_rubrics(rubrics, out, settings(engine.url, max_mean=1.0))
        assert len(engine.bodies) == asked + 16, "only rows without verdicts are asked again"
    assert (again.kept, again.dropped, again.asked) == (2, {"never_met": 2}, 2)
    assert [row["prompt_id"] for row in rows_of(out)] == ["q-0", "q-2"]
    assert [row["prompt_id"] for row in rows_of(tmp_path / "kept.dropped.jsonl")] == ["q-1", "q-4"]
    figures = {row["prompt_id"]: row for row in rows_of(tmp_path / "kept.figures.jsonl")}
    assert (figures["q-0"]["mean"], figures["q-2"]["mean"], figures["q-1"]["mean"]) == (1.0, 0.5, 0.0)
    assert figures["q-2"]["pass_rates"] == [0.5, 0.5]
    assert data(["check", str(out)]) == 0


def _row(id_: str, texts: list[str], kinds: dict[str, str]) -> dict[str, Any]:
    asked = ["Is none of the knowledge base's"] if kinds[id_] == "stranger" else texts
    return {
        "example_tags": [],
        "prompt": [{"role": "user", "content": f"question {id_}"}],
        "prompt_id": id_,
        "rubrics": [{"criterion": text, "points": 5, "tags": ["level:example"]} for text in asked],
    }
