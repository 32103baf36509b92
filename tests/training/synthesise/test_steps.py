import asyncio
import json
from functools import cache
from typing import Any

import pytest

from principles.corpus import load_corpus
from principles.schema import Scenario
from tests.training.synthesise.queries import SCENARIO, settings
from tests.training.synthesise.scripted_engine import Engine, scripted
from training.data.queries import Query
from training.synthesise.asking import Asker, Reason, StepFailure, Unreadable
from training.synthesise.pool import Pool
from training.synthesise.scenario import parse_scenario
from training.synthesise.steps import Steps, Synthesis, read_rubric

QUERY = {"id": "q-1", "prompt": [{"role": "user", "content": "question q-1: my chest hurts and I sweat, what now?"}]}
EMERGENT = {"urgency": "emergent", "uncertainty": "none", "expertise": "lay", "task_type": "triage"}


@cache
def the_pool() -> Pool:
    """Made once: embedding the exemplars takes seconds."""
    return Pool(load_corpus())


def row(engine: Engine, value: dict[str, Any], **more: Any) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        work = Synthesis(settings([engine.url], **more))
        steps = Steps(work, Asker(work.settings.engines, 2), the_pool())
        try:
            return await steps.row(value)
        finally:
            await steps.aclose()

    return asyncio.run(run())


def read(text: str) -> Any:
    return read_rubric(Query.model_validate(QUERY), Scenario.model_validate(SCENARIO), ["urgency.a", "urgency.b"], text)


def test_a_row_keeps_the_principle_of_each_criterion_and_where_all_came_from() -> None:
    with scripted() as engine:
        made = row(engine, QUERY, top_k=3, seed=5)
        body = engine.bodies[0]
    provenance, criteria = made["provenance"], made["rubric"]["rubrics"]
    offered = [principle["id"] for principle in provenance["principles"]]
    assert criteria[0]["tags"] == ["level:example", f"cluster:{offered[0]}"]
    assert criteria[1]["tags"] == ["level:example"]
    assert made["rubric"]["prompt_id"] == provenance["id"] == "q-1"
    assert len(offered) == 3
    assert (body["temperature"], body["seed"]) == (0.2, provenance["seed"])
    assert body["response_format"]["json_schema"]["schema"]["items"]["properties"]["principle"]["enum"] == [0, 1, 2, 3]
    assert provenance["scenario_from"] == "classifier"
    assert f"urgency:{provenance['scenario']['urgency']}" in made["rubric"]["example_tags"]
    corpus = load_corpus()
    assert all(corpus.by_id(id_).applies.admits(Scenario(**provenance["scenario"])) for id_ in offered)


def test_a_given_scenario_is_taken_and_one_may_be_asked_for() -> None:
    def answer(id_: str, before: int) -> tuple[int, str]:
        return 200, json.dumps(EMERGENT) if before == 0 else '[{"criterion":"Says so","points":3}]'

    with scripted(answer) as engine:
        asked = row(engine, QUERY, scenario="engine")["provenance"]
        schema = engine.bodies[0]["response_format"]["json_schema"]["schema"]
    assert (asked["scenario"], asked["scenario_from"]) == (EMERGENT, "engine")
    assert schema["properties"]["urgency"]["enum"] == ["emergent", "conditionally_emergent", "non_emergent"]
    with scripted() as engine:
        given = row(engine, {**QUERY, "scenario": SCENARIO}, scenario="engine")["provenance"]
        assert engine.asked["q-1"] == 1
    assert (given["scenario"], given["scenario_from"]) == (SCENARIO, "given")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("I would rather not", "not JSON"),
        ("[]", "no criterion"),
        ('[{"criterion":"x","points":0}]', "points"),
        ('[{"criterion":"x","points":5,"principle":3}]', "not listed"),
        ('[{"criterion":"Recommends it","points":-5}]', "no criterion with positive points"),
    ],
)
def test_what_is_no_rubric_is_unreadable_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        read(text)


@pytest.mark.parametrize("text", ["maybe", '{"urgency":"emergent"}', json.dumps({**SCENARIO, "urgency": "soon"})])
def test_what_is_no_scenario_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        parse_scenario(text)


def test_a_rubric_that_stays_unreadable_fails_the_row() -> None:
    with scripted(lambda id_, before: (200, "nonsense")) as engine, pytest.raises(StepFailure) as failed:
        row(engine, QUERY)
    assert (failed.value.step, failed.value.reason, failed.value.attempts) == ("rubric", Reason.UNREADABLE, 2)
