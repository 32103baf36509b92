"""What each arm asks of a gateway, what it answers, and what it says that the answer cost."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, get_args

import pytest
from inspect_ai.model import ChatMessageUser, GenerateConfig, get_model

from tests.training.evaluation.server import Answer, Body, Server, completion, revision, serving
from training.evaluation.arms.arms import ARMS, LENGTH_CANDIDATES
from training.evaluation.arms.asked import Sampling, Target
from training.evaluation.arms.best_of_n import affordable
from training.evaluation.asked.build import gateway_model
from training.evaluation.recipe import ArmName
from training.evaluation.rows import Answered

pytestmark = pytest.mark.usefixtures("inspect_home")
DRAFT, ANSWER = "The draft.", "The draft, put right."
QUESTION = [ChatMessageUser(content="I have a headache.")]


def gateway(path: str, body: Body) -> Answer:
    if path == "/v1/revisions":
        if "draft" in body:
            return 200, revision(body["draft"], f"{body['options']}", wrote_draft=False)
        return 200, revision(DRAFT, ANSWER)
    if body.get("max_tokens") == 1:
        said = str(body["messages"][-2]["content"])
        return 200, completion(
            "yes", logprobs={"yes": -0.01, "no": -5.0} if "good" in said else {"no": -0.01, "yes": -5.0}
        )
    return 200, completion("x" * (body["seed"] % 40) + " good")


async def answered(arm: ArmName, server: Server, key: str = "a:1") -> Answered:
    async with target(server) as asked:
        return await ARMS[arm](asked, QUESTION, key)


@asynccontextmanager
async def target(server: Server) -> AsyncIterator[Target]:
    config = GenerateConfig(timeout=5)
    plain = get_model(
        "openai-api/endpoint/plain", base_url=f"{server.url}/v1", api_key="none", config=config, memoize=False
    )
    guided = gateway_model(server.url, "preceptor", None, config)
    async with plain, guided:
        yield Target(plain, guided, Sampling(7, 0.8, 64))


async def test_the_draft_is_the_guided_answers_own_at_the_cost_of_its_step() -> None:
    with serving(gateway) as server:
        draft, guided = await answered("draft", server), await answered("guided", server)
    assert (draft.text, draft.tokens, draft.seconds, draft.calls) == (DRAFT, 30, 0.9, 1)
    assert (guided.text, guided.tokens, guided.seconds, guided.calls) == (ANSWER, 40 + 30 + 62 + 60, 1.1, 5)
    assert len(server.asked) == 1, "one call to the gateway serves both"


async def test_another_sample_or_seed_is_another_draw() -> None:
    with serving(gateway) as server:
        for key in ("a:1", "a:2", "b:1"):
            await answered("guided", server, key)
    assert len({body["seed"] for _, body in server.asked}) == 3


@pytest.mark.parametrize(
    ("arm", "options"),
    [
        ("no_principles", {"principles": "none", "rounds": 1}),
        ("all_principles", {"principles": "all", "rounds": 1}),
        ("rounds_2", {"principles": "retrieved", "rounds": 2}),
        ("rounds_3", {"principles": "retrieved", "rounds": 3}),
    ],
)
async def test_a_control_revises_the_same_draft_otherwise(arm: ArmName, options: Mapping[str, Any]) -> None:
    with serving(gateway) as server:
        found = await answered(arm, server)
    [(_, first), (_, second)] = server.asked
    assert "draft" not in first
    assert (second["draft"], second["options"]) == (DRAFT, options)
    assert found.text == str(options)
    assert found.tokens == 30 + 40 + 62 + 60
    assert found.seconds == pytest.approx(0.9 + 0.56 - 0.4), "the rubric is written while the draft is"


async def test_length_matched_takes_the_nearest_of_the_candidates_and_counts_all() -> None:
    with serving(gateway) as server:
        found = await answered("length_matched", server)
    lengths = [body["seed"] % 40 + 5 for path, body in server.asked if path == "/v1/chat/completions"]
    assert len(lengths) == LENGTH_CANDIDATES
    assert abs(len(found.text) - len(ANSWER)) == min(abs(length - len(ANSWER)) for length in lengths)
    assert (found.input_tokens, found.cached_tokens, found.output_tokens) == (80, 32, 40)


async def test_best_of_n_chooses_by_the_models_own_verdicts() -> None:
    with serving(gateway) as server:
        found = await answered("best_of_n", server)
    assert affordable(revision(DRAFT, ANSWER)) == 2, "(192 - 80 cached - 40 rubric) / (30 + 22) = 1.4, and no less"
    assert found.extra == {"n": 2, "chosen": 1}
    assert found.text.endswith("good")
    assert found.tokens == 30 + 40 + 62 + 15 + 2 * 15


async def test_best_of_n_of_an_accepted_draft_is_the_draft() -> None:
    accepted = revision(DRAFT, DRAFT)
    accepted["usage"]["steps"] = [step for step in accepted["usage"]["steps"] if step["step"] != "edit"]
    with serving(lambda path, body: (200, accepted)) as server:
        found = await answered("best_of_n", server)
    assert (found.text, found.extra["n"], len(server.asked)) == (DRAFT, 1, 1)


async def test_best_of_n_needs_log_probabilities() -> None:
    joint = revision(DRAFT, ANSWER)
    joint["usage"]["steps"].append({**joint["usage"]["steps"][0], "step": "critique"})
    with serving(lambda path, body: (200, joint)) as server, pytest.raises(ValueError, match="log-probabilities"):
        await answered("best_of_n", server)


async def test_a_target_without_a_gateway_gives_plain_answers_only() -> None:
    with serving(gateway) as server:
        async with target(server) as whole:
            bare = Target(whole.plain, None, Sampling(7, 0.8, 64))
            assert (await ARMS["plain"](bare, QUESTION, "a:1")).text.endswith("good")
            with pytest.raises(ValueError, match="no gateway"):
                await ARMS["guided"](bare, QUESTION, "a:1")


def test_there_is_an_arm_for_every_name() -> None:
    assert set(ARMS) == set(get_args(ArmName))
