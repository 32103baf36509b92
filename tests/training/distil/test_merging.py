import json
from pathlib import Path

import pytest

from models.clock import Timeouts
from models.engine import EngineUnavailable
from models.vllm import VLLMEngine
from tests.training.distil.scripted_engine import ScriptedEngine
from training.distil.clusters import Cluster
from training.distil.criteria import Criterion
from training.distil.merge_prompt import load_merge_prompt
from training.distil.merging import FAILED, MERGED, Merger
from training.distil.settings import Merging

PROMPT = load_merge_prompt("compact")
SETTINGS = Merging(concurrent=2)
CLUSTERS = [Cluster((Criterion(f"Asks about {name}", 5, None, ("q1",)),), 1) for name in ("age", "pain", "fever")]


def titled(prompt: str) -> str:
    subject = prompt.partition("- Asks about ")[2].split()[0]
    return json.dumps({"title": f"Ask about the {subject}", "statement": f"Asks about {subject}.", "polarity": "do"})


def nonsense_on_pain(prompt: str) -> str:
    return "I cannot say" if "pain" in prompt else titled(prompt)


async def test_each_cluster_is_a_principle_or_a_failure_with_its_reason(tmp_path: Path) -> None:
    done: list[int] = []
    merges = await Merger(ScriptedEngine(nonsense_on_pain), PROMPT, SETTINGS, tmp_path).merge(CLUSTERS, done.append)
    assert {p.title for p in merges.principles.values()} == {"Ask about the age", "Ask about the fever"}
    assert list(merges.failures) == [CLUSTERS[1].id]
    (row,) = [json.loads(line) for line in (tmp_path / FAILED).read_text().splitlines()]
    assert (row["cluster"], row["answer"], row["examples"]) == (CLUSTERS[1].id, "I cannot say", ["Asks about pain"])
    assert row["reason"].startswith("not JSON")
    assert sorted(done) == [0, 1, 2, 3]


async def test_what_a_stopped_run_merged_is_not_asked_for_again(tmp_path: Path) -> None:
    stopped = ScriptedEngine(titled, gone_after=2)
    with pytest.raises(EngineUnavailable):
        await Merger(stopped, PROMPT, Merging(concurrent=1), tmp_path).merge(CLUSTERS)
    with (tmp_path / MERGED).open("a") as file:
        file.write('{"cluster": "cut off by a ki')
    resumed = ScriptedEngine(titled)
    merges = await Merger(resumed, PROMPT, SETTINGS, tmp_path).merge(CLUSTERS)
    assert len(resumed.asked) == 1
    assert len(merges.principles) == 3
    assert len((tmp_path / MERGED).read_text().splitlines()) == 3


async def test_failures_are_tried_again_and_another_prompt_asks_anew(tmp_path: Path) -> None:
    await Merger(ScriptedEngine(nonsense_on_pain), PROMPT, SETTINGS, tmp_path).merge(CLUSTERS)
    better = ScriptedEngine(titled)
    merges = await Merger(better, PROMPT, SETTINGS, tmp_path).merge(CLUSTERS)
    assert (len(better.asked), merges.failures) == (1, {})
    assert (tmp_path / FAILED).read_text() == ""
    anew = ScriptedEngine(titled)
    await Merger(anew, load_merge_prompt("full"), SETTINGS, tmp_path).merge(CLUSTERS)
    assert len(anew.asked) == 3


async def test_an_answer_that_was_cut_off_is_a_failure(tmp_path: Path) -> None:
    merges = await Merger(ScriptedEngine(titled, finish="length"), PROMPT, SETTINGS, tmp_path).merge(CLUSTERS[:1])
    assert [failure.reason for failure in merges.failures.values()] == ["cut off after 400 tokens"]


async def test_an_engine_that_is_not_there_stops_the_run(tmp_path: Path) -> None:
    engine = VLLMEngine("http://127.0.0.1:9", "none", timeouts=Timeouts(connect=1.0, total=1.0), retries=0)
    try:
        with pytest.raises(EngineUnavailable, match="cannot be reached"):
            await Merger(engine, PROMPT, SETTINGS, tmp_path).merge(CLUSTERS)
    finally:
        await engine.aclose()
